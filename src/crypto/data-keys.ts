import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { type DataKey, type DataKeyMaker, type KeyEncryptionKeys, KeyUnavailable } from '../domain/ports/keys.ts';
import type { NewId } from '../domain/ports/tokens.ts';
import { decrypt, encrypt } from './authenticated-encryption.ts';

export interface DataKeyParts {
  keyEncryptionKeys: KeyEncryptionKeys;
  newId: NewId;
  clock: () => Date;
}

const keyBytes = 32;
const canaryText = Buffer.from('token-broker canary', 'utf8');
const canaryHeader = Uint8Array.of(1);

export function createDataKeyMaker({ keyEncryptionKeys, newId, clock }: DataKeyParts): DataKeyMaker {
  return {
    keyEncryptionKeyId: keyEncryptionKeys.currentId,

    async make(state) {
      const id = newId();
      const plain = randomBytes(keyBytes);
      const wrapped = await keyEncryptionKeys.wrap(plain, id);
      const canary = encrypt(createSecretKey(plain), canaryText, canaryHeader, canaryContext(id));
      plain.fill(0);
      return { ...wrapped, id, state, canary, createdAt: clock() };
    },

    async rewrap(row) {
      const key = await openDataKey(row, keyEncryptionKeys);
      const plain = key.export();
      const wrapped = await keyEncryptionKeys.wrap(plain, row.id);
      plain.fill(0);
      // The old wrapping is overwritten, so the new one is proven first.
      await openDataKey({ ...row, ...wrapped }, keyEncryptionKeys);
      return wrapped;
    },
  };
}

/** Unwraps a data key and proves it with its canary. Throws KeyUnavailable. */
export async function openDataKey(row: DataKey, keyEncryptionKeys: KeyEncryptionKeys): Promise<KeyObject> {
  const plain = await keyEncryptionKeys.unwrap(row, row.id);
  const key = createSecretKey(plain);
  plain.fill(0);
  try {
    if (decrypt(key, row.canary, canaryHeader.length, canaryContext(row.id)).equals(canaryText)) return key;
  } catch {
    // A canary that does not open and a canary with another text get the same error below.
  }
  throw new KeyUnavailable(
    `The encryption key "${row.keyEncryptionKeyId}" opens the data key ${row.id}, but not its canary: data_keys was altered. Restore it from a backup.`,
  );
}

function canaryContext(dataKeyId: string): Buffer {
  return Buffer.from(JSON.stringify(['canary', dataKeyId]), 'utf8');
}
