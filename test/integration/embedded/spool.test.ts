import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SpooledTokens } from '../../../src/domain/ports/spool.ts';
import { createSpool } from '../../../src/embedded/spool.ts';
import { aConnection, anEvent, tokensUntil } from '../../support/postgres-fixtures.ts';

let directory: string;
let unreadable: string[];
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'token-broker-spool-')), 'instance');
  unreadable = [];
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

const open = () => createSpool(directory, (file) => unreadable.push(file));

function anEntry(changes: Partial<SpooledTokens> = {}): SpooledTokens {
  const connection = aConnection('acme', 'spooled');
  const { id } = aConnection(null, 'id');
  return {
    owner: 'instance/nonce',
    base: { id, connectionId: connection.id, organizationId: 'acme', version: 3 },
    tokens: tokensUntil(new Date('2030-01-01T00:00:00.123Z'), {
      refreshExpiresAt: new Date('2031-01-01'),
      keepAliveAt: new Date('2030-06-01'),
    }),
    event: { ...anEvent(connection, id), details: { attempt: 1, scopes: ['a', 'b'], none: null, ok: true } },
    ...changes,
  };
}

test('what was put comes back the same in the next process, to the byte and to the millisecond', async () => {
  const entries = [anEntry(), anEntry({ tokens: tokensUntil(null, { obtainedAt: null, lifetimeSeconds: null }) })];
  for (const entry of entries) await open().put(entry);
  const found = await open().list();
  expect(found).toHaveLength(2);
  expect(found).toEqual(expect.arrayContaining(entries.map(plain)));
  expect(unreadable).toEqual([]);
});

/** Sealed bytes compare as bytes, whatever class holds them. */
function plain(entry: SpooledTokens): SpooledTokens {
  return { ...entry, tokens: { ...entry.tokens, sealed: new Uint8Array(entry.tokens.sealed) } };
}

test('nobody but the owner of the process can read it, and no half-written file is left beside it', async () => {
  await open().put(anEntry());
  const [name = '', ...others] = readdirSync(directory);
  expect(others).toEqual([]);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
});

test('the tokens lie there as sealed as they will be in the database', async () => {
  const entry = anEntry();
  await open().put(entry);
  const text = readFileSync(join(directory, readdirSync(directory)[0] ?? ''), 'utf8');
  expect(JSON.parse(text).tokens.sealed).toBe(Buffer.from(entry.tokens.sealed).toString('base64'));
});

test('what is removed is gone, and removing it again is nothing', async () => {
  const [kept, gone] = [anEntry(), anEntry()];
  const spool = open();
  for (const entry of [kept, gone]) await spool.put(entry);
  await spool.remove(gone);
  await spool.remove(gone);
  expect((await spool.list()).map(({ base }) => base)).toEqual([kept.base]);
});

test('putting the same again replaces it', async () => {
  const entry = anEntry();
  for (const owner of ['first', 'second']) await open().put({ ...entry, owner });
  expect((await open().list()).map(({ owner }) => owner)).toEqual(['second']);
});

test('a folder that was never made holds nothing', async () => {
  expect(await open().list()).toEqual([]);
});

test('what cannot be read is named, and hides nothing of what can', async () => {
  const entry = anEntry();
  await open().put(entry);
  const [whole = ''] = readdirSync(directory);
  const text = readFileSync(join(directory, whole), 'utf8');
  const broken: Record<string, string> = {
    'empty.tokens': '',
    'cut.tokens': text.slice(0, text.length / 2),
    'null.tokens': 'null',
    'no-event.tokens': JSON.stringify({ ...JSON.parse(text), event: undefined }),
    'no-date.tokens': text.replace('2030-01-01T00:00:00.123Z', 'soon'),
    'not-sealed.tokens': JSON.stringify({ ...JSON.parse(text), tokens: { ...JSON.parse(text).tokens, sealed: '%' } }),
  };
  for (const [name, content] of Object.entries(broken)) writeFileSync(join(directory, name), content);
  mkdirSync(join(directory, 'folder.tokens'));
  // Begun and not finished: never promised to anybody.
  writeFileSync(join(directory, `${whole}.new`), text.slice(0, 10));

  expect((await open().list()).map(({ base }) => base)).toEqual([entry.base]);
  expect(unreadable.map((file) => file.split('/').at(-1)).sort()).toEqual(
    [...Object.keys(broken), 'folder.tokens'].sort(),
  );
});
