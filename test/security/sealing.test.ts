import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEnvironmentKeys } from '../../src/crypto/environment-keys.ts';
import { createKeyRing } from '../../src/crypto/key-ring.ts';
import { newId } from '../../src/crypto/tokens.ts';
import type { SealedAt } from '../../src/domain/ports/cipher.ts';
import { encryptionKey } from '../support/builders/encryption-keys.ts';
import { createMemoryDataKeys } from '../support/memory/data-keys.ts';

const at: SealedAt = { organizationId: 'acme', table: 'grants', row: '0190-a', column: 'sealed_tokens' };
const secret = 'canary-secret-text';

async function createCipherWithNewKeys() {
  const keyEncryptionKeys = createEnvironmentKeys([encryptionKey('k1')]);
  const ring = await createKeyRing({ keys: createMemoryDataKeys(), keyEncryptionKeys, newId, clock: () => new Date() });
  return ring.cipher;
}

const cipher = await createCipherWithNewKeys();

test.each<[string, Partial<SealedAt>]>([
  ['another organisation', { organizationId: 'other' }],
  ['the global scope', { organizationId: null }],
  ['an organisation named like the global scope', { organizationId: 'null' }],
  ['another table', { table: 'connections' }],
  ['another row', { row: '0190-b' }],
  ['another column', { column: 'sealed_client_secrets' }],
])('a value moved to %s does not open', (_, change) => {
  const sealed = cipher.seal(secret, at);
  expect(() => cipher.open(sealed, { ...at, ...change })).toThrow('could not be opened');
  expect(cipher.open(sealed, at)).toBe(secret);
});

test('a value of the global scope does not open for an organisation, whatever its name', () => {
  const sealed = cipher.seal(secret, { ...at, organizationId: null });
  for (const organizationId of ['', 'null', 'acme']) {
    expect(() => cipher.open(sealed, { ...at, organizationId })).toThrow('could not be opened');
  }
});

test('a value sealed for one place never opens at a different one, for random places', () => {
  const place = fc.record({
    organizationId: fc.option(fc.string(), { nil: null }),
    table: fc.constantFrom('connections' as const, 'grants' as const),
    row: fc.oneof(fc.string(), fc.constant('","')),
    column: fc.oneof(fc.string(), fc.constant('"]')),
    // URLs that a client secret may be sent to; null: the value is bound to none.
    boundTo: fc.option(fc.oneof(fc.string(), fc.constantFrom('null', 'https://a.test/', 'https://a.test')), {
      nil: null,
    }),
  });
  const locationOf = ({ boundTo, ...rest }: { boundTo: string | null } & Omit<SealedAt, 'boundTo'>): SealedAt =>
    boundTo === null ? rest : { ...rest, boundTo };
  fc.assert(
    fc.property(place, place, (one, other) => {
      const sealed = cipher.seal(secret, locationOf(one));
      if (JSON.stringify(one) === JSON.stringify(other)) expect(cipher.open(sealed, locationOf(other))).toBe(secret);
      else expect(() => cipher.open(sealed, locationOf(other))).toThrow();
    }),
  );
});

test('a value whose location differs in one member alone does not open, for random changes', () => {
  const member = fc.constantFrom('organizationId' as const, 'row' as const, 'column' as const, 'boundTo' as const);
  const full = { ...at, boundTo: 'https://provider.test/token' };
  fc.assert(
    fc.property(member, fc.string(), fc.boolean(), (name, text, isLonger) => {
      const changed = isLonger ? `${full[name]}${text}` : text;
      const sealed = cipher.seal(secret, full);
      if (changed === full[name]) expect(cipher.open(sealed, full)).toBe(secret);
      else expect(() => cipher.open(sealed, { ...full, [name]: changed })).toThrow('could not be opened');
    }),
  );
});

test('a value of one layout version does not open as one of the other, with or without its URLs', () => {
  for (const place of [at, { ...at, boundTo: 'https://provider.test/token' }]) {
    const sealed = Uint8Array.from(cipher.seal(secret, place));
    sealed[0] = (sealed[0] ?? 0) ^ 3;
    expect([1, 2]).toContain(sealed[0]);
    for (const location of [at, { ...at, boundTo: 'https://provider.test/token' }, { ...at, boundTo: '' }]) {
      expect(() => cipher.open(sealed, location)).toThrow('could not be opened');
    }
  }
});

test('a value with a flipped bit in version, key id, nonce, ciphertext or tag does not open', () => {
  const sealed = cipher.seal(secret, at);
  for (let index = 0; index < sealed.length; index++) {
    for (const bit of [1, 128]) {
      const altered = Uint8Array.from(sealed);
      altered[index] = (altered[index] ?? 0) ^ bit;
      expect(() => cipher.open(altered, at), `byte ${index}`).toThrow('could not be opened');
    }
  }
});

test('a shortened or extended value does not open', () => {
  const sealed = cipher.seal(secret, at);
  for (let length = 0; length < sealed.length; length++) {
    expect(() => cipher.open(sealed.subarray(0, length), at), `length ${length}`).toThrow('could not be opened');
  }
  expect(() => cipher.open(Buffer.concat([sealed, Uint8Array.of(0)]), at)).toThrow('could not be opened');
});

test('a value sealed with the keys of another installation does not open', async () => {
  const foreign = (await createCipherWithNewKeys()).seal(secret, at);
  expect(() => cipher.open(foreign, at)).toThrow('could not be opened');
});

test('neither the sealed bytes nor the error contain the secret', () => {
  const sealed = cipher.seal(secret, at);
  expect(Buffer.from(sealed).includes(secret)).toBe(false);
  try {
    cipher.open(sealed, { ...at, row: 'elsewhere' });
    expect.unreachable();
  } catch (error) {
    expect(`${error} ${(error as Error).cause}`).not.toContain(secret);
  }
});
