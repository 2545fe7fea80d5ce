import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Credential, ServedTokens } from '../../../src/domain/credential.ts';
import { fromCredential } from '../../../src/http/schemas/credential.ts';
import { createWriteCredential } from '../../../src/http/written-credential.ts';
import { readHeapSnapshot, textOf, unheardLetters } from '../../support/heap-snapshot.ts';
import { credential } from '../../support/http-fixture.ts';

function aCredential(changes: Partial<Credential> = {}, tokens: Partial<ServedTokens> = {}) {
  const counted = { opened: 0 };
  const found: Credential = {
    ...credential,
    openTokens: () => {
      counted.opened += 1;
      return { ...credential.openTokens(), ...tokens };
    },
    ...changes,
  };
  return { found, counted };
}

describe('the answer of a grant that is kept', () => {
  test('is written once, and is the same each time', () => {
    const write = createWriteCredential();
    const { found, counted } = aCredential({ room: {} });
    const answers = [1, 2, 3].map(() => write(found));
    expect(counted.opened).toBe(1);
    expect(answers.map((text) => JSON.parse(text))).toEqual(Array(3).fill(fromCredential(credential)));
  });

  test('is the answer of that grant alone', () => {
    const write = createWriteCredential();
    const first = aCredential({ room: {} }, { accessToken: 'first' }).found;
    const second = aCredential({ room: {} }, { accessToken: 'second' }).found;
    for (const _ of ['written', 'remembered']) {
      expect(JSON.parse(write(first)).access_token).toBe('first');
      expect(JSON.parse(write(second)).access_token).toBe('second');
    }
  });

  test('holds every character of what came with the token', () => {
    const write = createWriteCredential();
    const extra = { name: 'größer «ü» 日本 😀', half: '\ud800', marked: '\ufeffx' };
    const { found } = aCredential({ room: {} }, { extra });
    for (const _ of ['written', 'remembered']) expect(JSON.parse(write(found)).extra).toEqual(extra);
  });

  test('is not to be found in a snapshot of the heap', async () => {
    // Held as it is on purpose: a search that finds nothing would pass with any answer.
    const visible = randomBytes(24).toString('hex');
    const hidden = unheardLetters(48);
    const kept = keptCredential(hidden);
    const snapshot = await readHeapSnapshot();
    expect(snapshot).toContain(visible);
    expect(snapshot.includes(textOf(hidden))).toBe(false);
    expect(kept.room?.answer?.byteLength).toBeGreaterThan(48);
  });
});

test('the answer of a grant that is not kept is written each time', () => {
  const write = createWriteCredential();
  const { found, counted } = aCredential();
  expect(write(found)).toBe(write(found));
  expect(counted.opened).toBe(2);
});

/** After it was answered, and answered from memory. */
function keptCredential(token: Uint8Array): Credential {
  const write = createWriteCredential();
  const { found } = aCredential({
    room: {},
    openTokens: () => ({ ...credential.openTokens(), accessToken: textOf(token) }),
  });
  for (const _ of ['written', 'remembered']) expect(write(found).length).toBeGreaterThan(48);
  return found;
}
