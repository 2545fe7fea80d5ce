import { createSecretKey } from 'node:crypto';
import type { EncryptionKey } from '../domain/encryption-keys.ts';
import { type KeyEncryptionKey, type KeyEncryptionKeys, KeyFailure } from '../domain/ports/keys.ts';
import { decrypt, encrypt } from './authenticated-encryption.ts';
import { createKeyEncryptionKeys } from './key-encryption-keys.ts';

const header = Uint8Array.of(1);

/** Key-encryption keys that ENCRYPTION_KEYS holds itself. */
export function createEnvironmentKeys(encryptionKeys: readonly EncryptionKey[]): KeyEncryptionKeys {
  return createKeyEncryptionKeys(encryptionKeys.map(createEnvironmentKey));
}

/** A key-encryption key of ENCRYPTION_KEYS, held in memory. */
export function createEnvironmentKey({ id, key: secret }: EncryptionKey): KeyEncryptionKey {
  const key = createSecretKey(Buffer.from(secret.reveal(), 'base64'));
  return {
    id,
    service: null,
    wrap: async (plain, context) => encrypt(key, plain, header, context),
    async unwrap(wrapped, context) {
      try {
        return decrypt(key, wrapped, header.length, context);
      } catch (cause) {
        throw new KeyFailure('mismatch', 'The key does not open the value.', { cause });
      }
    },
  };
}
