import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { Cipher } from '../domain/ports/cipher.ts';
import { type DataKey, type DataKeyStore, type KeyEncryptionKeys, KeyUnavailable } from '../domain/ports/keys.ts';
import type { NewId } from '../domain/ports/tokens.ts';
import { decrypt, encrypt } from './authenticated-encryption.ts';
import { createCipher, type OpenDataKey } from './cipher.ts';

export interface KeyRing {
  cipher: Cipher;
}

export interface KeyRingParts {
  keys: DataKeyStore;
  keyEncryptionKeys: KeyEncryptionKeys;
  newId: NewId;
  clock: () => Date;
}

const keyBytes = 32;
const canaryText = Buffer.from('token-broker canary', 'utf8');
const canaryHeader = Uint8Array.of(1);

/**
 * Opens every data key and proves each against its canary; on an empty database makes the first. Throws KeyUnavailable
 * where a key is missing or wrong, before anything could be sealed under another one.
 */
export async function createKeyRing(parts: KeyRingParts): Promise<KeyRing> {
  const stored = await parts.keys.list();
  const rows = stored.length > 0 ? stored : await makeFirst(parts);
  const open: OpenDataKey[] = [];
  let sealing: OpenDataKey | undefined;
  for (const row of rows) {
    const dataKey = { id: row.id, key: await openDataKey(row, parts.keyEncryptionKeys) };
    open.push(dataKey);
    if (row.state === 'sealing') sealing = dataKey;
  }
  if (sealing === undefined) {
    throw new KeyUnavailable(
      'No data key in the database is marked for sealing. Restore the table data_keys from a backup.',
    );
  }
  return { cipher: createCipher(sealing, open) };
}

async function makeFirst({ keys, keyEncryptionKeys, newId, clock }: KeyRingParts): Promise<DataKey[]> {
  if (await keys.hasSealedData()) {
    // Another process may have made the first key and sealed with it since the table was read.
    const since = await keys.list();
    if (since.length > 0) return since;
    throw new KeyUnavailable(
      'The database holds sealed values but no data key to open them with. Restore the table data_keys from a backup; no new key is made over existing data.',
    );
  }
  const id = newId();
  const plain = randomBytes(keyBytes);
  const wrapped = await keyEncryptionKeys.wrap(plain, id);
  const canary = encrypt(createSecretKey(plain), canaryText, canaryHeader, canaryContext(id));
  plain.fill(0);
  await keys.insertFirst({ ...wrapped, id, state: 'sealing', canary, createdAt: clock() });
  // Read back: of processes that start at once, the losers use the winner's key.
  return keys.list();
}

async function openDataKey(row: DataKey, keyEncryptionKeys: KeyEncryptionKeys): Promise<KeyObject> {
  const plain = await keyEncryptionKeys.unwrap(row, row.id);
  const key = createSecretKey(plain);
  plain.fill(0);
  try {
    if (decrypt(key, row.canary, canaryHeader.length, canaryContext(row.id)).equals(canaryText)) return key;
  } catch {
    // Falls to the refusal below: which byte is wrong makes no difference.
  }
  throw new KeyUnavailable(
    `The encryption key "${row.keyEncryptionKeyId}" opens the data key ${row.id}, but not its canary: data_keys was altered. Restore it from a backup.`,
  );
}

function canaryContext(dataKeyId: string): Buffer {
  return Buffer.from(JSON.stringify(['canary', dataKeyId]), 'utf8');
}
