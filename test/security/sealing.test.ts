import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEnvironmentKeys } from '../../src/crypto/environment-keys.ts';
import { createKeyRing } from '../../src/crypto/key-ring.ts';
import { newId } from '../../src/crypto/tokens.ts';
import type { SealedAt } from '../../src/domain/ports/cipher.ts';
import { encryptionKey } from '../support/encryption-keys.ts';
import { createMemoryDataKeys } from '../support/memory-data-keys.ts';

const at: SealedAt = { organizationId: 'acme', table: 'grants', row: '0190-a', column: 'sealed_tokens' };
const secret = 'canary-secret-text';

async function createCipherOfItsOwn() {
  const keyEncryptionKeys = createEnvironmentKeys([encryptionKey('k1')]);
  const ring = await createKeyRing({ keys: createMemoryDataKeys(), keyEncryptionKeys, newId, clock: () => new Date() });
  return ring.cipher;
}

const cipher = await createCipherOfItsOwn();

test.each<[string, Partial<SealedAt>]>([
  ['another organisation', { organizationId: 'other' }],
  ['the global scope', { organizationId: null }],
  ['an organisation named like the global scope', { organizationId: 'null' }],
  ['another table', { table: 'connections' }],
  ['another row', { row: '0190-b' }],
  ['another column', { column: 'sealed_client_secrets' }],
])('ciphertext moved to %s does not open', (_, change) => {
  const sealed = cipher.seal(secret, at);
  expect(() => cipher.open(sealed, { ...at, ...change })).toThrow('could not be opened');
  expect(cipher.open(sealed, at)).toBe(secret);
});

test('ciphertext of the global scope does not open for an organisation, whatever its name', () => {
  const sealed = cipher.seal(secret, { ...at, organizationId: null });
  for (const organizationId of ['', 'null', 'acme']) {
    expect(() => cipher.open(sealed, { ...at, organizationId })).toThrow('could not be opened');
  }
});

test('two places that differ never share a context, however their parts are cut', () => {
  const place = fc.record({
    organizationId: fc.option(fc.string(), { nil: null }),
    table: fc.constantFrom('connections' as const, 'grants' as const),
    row: fc.oneof(fc.string(), fc.constant('","')),
    column: fc.oneof(fc.string(), fc.constant('"]')),
  });
  fc.assert(
    fc.property(place, place, (one, other) => {
      const sealed = cipher.seal(secret, one);
      if (JSON.stringify(one) === JSON.stringify(other)) expect(cipher.open(sealed, other)).toBe(secret);
      else expect(() => cipher.open(sealed, other)).toThrow();
    }),
  );
});

test('a flipped bit anywhere, in version, key id, nonce, ciphertext or tag, keeps the value shut', () => {
  const sealed = cipher.seal(secret, at);
  for (let index = 0; index < sealed.length; index++) {
    for (const bit of [1, 128]) {
      const altered = Uint8Array.from(sealed);
      altered[index] = (altered[index] ?? 0) ^ bit;
      expect(() => cipher.open(altered, at), `byte ${index}`).toThrow('could not be opened');
    }
  }
});

test('a value cut short or grown keeps shut', () => {
  const sealed = cipher.seal(secret, at);
  for (let length = 0; length < sealed.length; length++) {
    expect(() => cipher.open(sealed.subarray(0, length), at), `length ${length}`).toThrow('could not be opened');
  }
  expect(() => cipher.open(Buffer.concat([sealed, Uint8Array.of(0)]), at)).toThrow('could not be opened');
});

test('a value sealed under the keys of another installation keeps shut', async () => {
  const foreign = (await createCipherOfItsOwn()).seal(secret, at);
  expect(() => cipher.open(foreign, at)).toThrow('could not be opened');
});

test('neither the sealed bytes nor a refusal show the secret', () => {
  const sealed = cipher.seal(secret, at);
  expect(Buffer.from(sealed).includes(secret)).toBe(false);
  try {
    cipher.open(sealed, { ...at, row: 'elsewhere' });
    expect.unreachable();
  } catch (error) {
    expect(`${error} ${(error as Error).cause}`).not.toContain(secret);
  }
});
