import { expect, test } from 'vitest';
import { createEnvironmentKeys } from '../../../src/crypto/environment-keys.ts';
import { createKeyRing } from '../../../src/crypto/key-ring.ts';
import { newId } from '../../../src/crypto/tokens.ts';
import type { EncryptionKey } from '../../../src/domain/encryption-keys.ts';
import type { SealedAt } from '../../../src/domain/ports/cipher.ts';
import { type DataKeyStore, KeyUnavailable } from '../../../src/domain/ports/keys.ts';
import { encryptionKey } from '../../support/builders/encryption-keys.ts';
import { createMemoryDataKeys } from '../../support/memory/data-keys.ts';

const at: SealedAt = { organizationId: 'acme', table: 'grants', row: 'row-1', column: 'sealed_tokens' };

function open(keys: DataKeyStore, ...encryptionKeys: EncryptionKey[]) {
  const keyEncryptionKeys = createEnvironmentKeys(encryptionKeys);
  return createKeyRing({ keys, keyEncryptionKeys, newId, clock: () => new Date() });
}

test('a value sealed by one process opens in another process', async () => {
  const keys = createMemoryDataKeys();
  const kek = encryptionKey('k1');
  const sealed = (await open(keys, kek)).cipher.seal('geheim ✓', at);
  expect((await open(keys, kek)).cipher.open(sealed, at)).toBe('geheim ✓');
});

test('sealing the same text twice gives different bytes', async () => {
  const { cipher } = await open(createMemoryDataKeys(), encryptionKey('k1'));
  expect(cipher.seal('same', at)).not.toEqual(cipher.seal('same', at));
});

test('the empty text seals and opens', async () => {
  const { cipher } = await open(createMemoryDataKeys(), encryptionKey('k1'));
  expect(cipher.open(cipher.seal('', at), at)).toBe('');
});

test('processes that start together on an empty database share one data key', async () => {
  const keys = createMemoryDataKeys();
  const kek = encryptionKey('k1');
  const rings = await Promise.all(Array.from({ length: 8 }, () => open(keys, kek)));
  expect(keys.rows).toHaveLength(1);
  const [first] = rings;
  const sealed = first?.cipher.seal('shared', at) ?? new Uint8Array();
  for (const ring of rings) expect(ring.cipher.open(sealed, at)).toBe('shared');
});

test('a missing encryption key prevents the start, with its id and the ids of the present keys', async () => {
  const keys = createMemoryDataKeys();
  await open(keys, encryptionKey('wanted'));
  const start = open(keys, encryptionKey('other'), encryptionKey('third'));
  await expect(start).rejects.toBeInstanceOf(KeyUnavailable);
  await expect(start).rejects.toThrow(/needs the encryption key "wanted".*it holds: other, third/);
});

test('a wrong encryption key under the right id prevents the start, with the id and without the key', async () => {
  const keys = createMemoryDataKeys();
  await open(keys, encryptionKey('k1'));
  const wrong = encryptionKey('k1');
  const error = await open(keys, wrong).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(KeyUnavailable);
  expect(String(error)).toContain('a key named "k1", but not the key of that name');
  expect(String(error)).not.toContain(wrong.key.reveal());
});

test('no data key is created if the database holds sealed data and has lost its data keys', async () => {
  const keys = createMemoryDataKeys();
  keys.sealedData = true;
  await expect(open(keys, encryptionKey('k1'))).rejects.toThrow(/no new key is made over existing data/);
  expect(keys.rows).toEqual([]);
});

test('a first data key that another process creates during the start is used and not reported as lost', async () => {
  const keys = createMemoryDataKeys();
  const kek = encryptionKey('k1');
  const racing: DataKeyStore = {
    ...keys,
    list: () => keys.list(),
    hasSealedData: async () => {
      const { cipher } = await open(keys, kek);
      cipher.seal('sealed meanwhile', at);
      return true;
    },
  };
  await expect(open(racing, kek)).resolves.toBeDefined();
  expect(keys.rows).toHaveLength(1);
});

test('a data key stored under the id of another data key does not open', async () => {
  const kek = encryptionKey('k1');
  const [keys, others] = [createMemoryDataKeys(), createMemoryDataKeys()];
  await Promise.all([open(keys, kek), open(others, kek)]);
  const [mine, theirs] = [keys.rows[0], others.rows[0]];
  if (mine === undefined || theirs === undefined) throw new Error('no data key was made');
  keys.rows = [{ ...mine, wrapped: theirs.wrapped }];
  await expect(open(keys, kek)).rejects.toBeInstanceOf(KeyUnavailable);
});

test('a data key with the canary of another key prevents the start', async () => {
  const kek = encryptionKey('k1');
  const [keys, others] = [createMemoryDataKeys(), createMemoryDataKeys()];
  await Promise.all([open(keys, kek), open(others, kek)]);
  const [mine, theirs] = [keys.rows[0], others.rows[0]];
  if (mine === undefined || theirs === undefined) throw new Error('no data key was made');
  keys.rows = [{ ...mine, canary: theirs.canary }];
  await expect(open(keys, kek)).rejects.toThrow(/not its canary/);
});

test('after a new encryption key is added first, values under an older key still open', async () => {
  const keys = createMemoryDataKeys();
  const old = encryptionKey('old');
  const sealed = (await open(keys, old)).cipher.seal('kept', at);
  expect((await open(keys, encryptionKey('new'), old)).cipher.open(sealed, at)).toBe('kept');
});

test('values still open under a data key that no longer seals', async () => {
  const kek = encryptionKey('k1');
  const [keys, next] = [createMemoryDataKeys(), createMemoryDataKeys()];
  const sealed = (await open(keys, kek)).cipher.seal('older', at);
  await open(next, kek);
  keys.rows = [...keys.rows.map((row) => ({ ...row, state: 'opening' as const })), ...next.rows];
  const { cipher } = await open(keys, kek);
  expect(cipher.open(sealed, at)).toBe('older');
  expect(Buffer.from(cipher.seal('newer', at)).toString('hex', 1, 17)).toBe(next.rows[0]?.id.replaceAll('-', ''));
});
