import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Credential, ServedTokens } from '../../../src/domain/grants/credential.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { fromCredential } from '../../../src/http/schemas/credentials.ts';
import { createWriteCredential } from '../../../src/http/written-credential.ts';
import { credential } from '../../support/http/server-fixture.ts';
import { readHeapSnapshot, textOf, unseenLetters } from '../../support/processes/heap-snapshot.ts';

/** A credential of its own, as a cached grant has one. */
function aCredential(tokens: Partial<ServedTokens> = {}) {
  const counted = { opened: 0 };
  const found: Credential = {
    ...credential,
    openTokens: () => {
      counted.opened += 1;
      return { ...credential.openTokens(), ...tokens };
    },
  };
  return { found, counted };
}

const read = (body: string) => JSON.parse(body);

test('the body of a credential is written once and is the same each time', () => {
  const write = createWriteCredential();
  const { found, counted } = aCredential();
  const bodies = [1, 2, 3].map(() => write(found));
  expect(counted.opened).toBe(1);
  expect(bodies.map(read)).toEqual(Array(3).fill(fromCredential(credential)));
});

test('each credential has a body of its own, though all else is equal', () => {
  const write = createWriteCredential();
  const [first, second] = ['first', 'second'].map((token) => aCredential({ accessToken: new Secret(token) }).found);
  for (const _ of ['written', 'remembered']) {
    expect(first && read(write(first)).access_token).toBe('first');
    expect(second && read(write(second)).access_token).toBe('second');
  }
});

test('the body holds every character of the captured values', () => {
  const write = createWriteCredential();
  const extra = { name: 'größer «ü» 日本 😀', half: '\ud800', marked: '\ufeffx' };
  const { found } = aCredential({ extra });
  for (const _ of ['written', 'remembered']) expect(read(write(found)).extra).toEqual(extra);
});

test('the access token of a written body is not in a snapshot of the heap', async () => {
  // Kept visible on purpose: a search that finds nothing at all would pass with any body.
  const visible = randomBytes(24).toString('hex');
  const hidden = unseenLetters(48);
  const kept = writtenCredential(hidden);
  const snapshot = await readHeapSnapshot();
  expect(snapshot).toContain(visible);
  expect(snapshot.includes(textOf(hidden))).toBe(false);
  expect(kept.write(kept.found).length).toBeGreaterThan(48);
});

function writtenCredential(token: Uint8Array) {
  const write = createWriteCredential();
  const found: Credential = {
    ...credential,
    openTokens: () => ({ ...credential.openTokens(), accessToken: new Secret(textOf(token)) }),
  };
  write(found);
  return { found, write };
}
