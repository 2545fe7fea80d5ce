import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSpool } from '../../../src/embedded/spool.ts';
import { aSpoolEntry, withPlainBytes } from '../../support/builders/refreshed.ts';

let directory: string;
let unreadable: string[];
beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'token-broker-spool-')), 'instance');
  unreadable = [];
});
afterEach(() => rmSync(join(directory, '..'), { recursive: true, force: true }));

const open = () => createSpool(directory, (file) => unreadable.push(file));

test('a spool file of version 0.1, which calls the metadata facts, is still read', async () => {
  const entry = aSpoolEntry();
  await open().put(entry);
  const path = join(directory, readdirSync(directory)[0] ?? '');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"metadata"', '"facts"'));
  expect(readFileSync(path, 'utf8')).toContain('"facts"');
  expect(await open().list()).toEqual([withPlainBytes(entry)]);
  expect(unreadable).toEqual([]);
});

test('only the owner of the process can read a spool file, and no partial file remains', async () => {
  await open().put(aSpoolEntry());
  const [name = '', ...others] = readdirSync(directory);
  expect(others).toEqual([]);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
});

test('a spool file holds the tokens sealed as they will be in the database', async () => {
  const entry = aSpoolEntry();
  await open().put(entry);
  const text = readFileSync(join(directory, readdirSync(directory)[0] ?? ''), 'utf8');
  expect(JSON.parse(text).tokens.sealed).toBe(Buffer.from(entry.tokens.sealed).toString('base64'));
});

test('unreadable spool files are reported, and readable ones are still listed', async () => {
  const entry = aSpoolEntry();
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
  // A partial file: put did not resolve, so it is not reported.
  writeFileSync(join(directory, `${whole}.new`), text.slice(0, 10));

  expect((await open().list()).map(({ base }) => base)).toEqual([entry.base]);
  expect(unreadable.map((file) => file.split('/').at(-1)).sort()).toEqual(
    [...Object.keys(broken), 'folder.tokens'].sort(),
  );
});
