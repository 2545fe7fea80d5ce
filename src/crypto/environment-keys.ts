import { createSecretKey, type KeyObject } from 'node:crypto';
import type { EncryptionKey } from '../domain/encryption-keys.ts';
import { type KeyEncryptionKeys, KeyUnavailable } from '../domain/ports/keys.ts';
import { decrypt, encrypt } from './authenticated-encryption.ts';

const header = Uint8Array.of(1);

/** Key-encryption keys held in memory, as ENCRYPTION_KEYS gives them: the first one wraps, every one unwraps. */
export function createEnvironmentKeys(given: readonly EncryptionKey[]): KeyEncryptionKeys {
  const [first] = given;
  if (first === undefined) throw new KeyUnavailable('ENCRYPTION_KEYS holds no key.');
  const wrapping = toKey(first);
  const byId = new Map(given.map((key) => [key.id, toKey(key)]));
  const ids = given.map(({ id }) => id).join(', ');
  return {
    wrap: async (key, dataKeyId) => ({
      keyEncryptionKeyId: first.id,
      wrapped: encrypt(wrapping, key, header, contextOf(first.id, dataKeyId)),
    }),
    unwrap: async ({ keyEncryptionKeyId: id, wrapped }, dataKeyId) => {
      const key = byId.get(id);
      if (key === undefined) {
        throw new KeyUnavailable(
          `The stored data needs the encryption key "${id}", which ENCRYPTION_KEYS does not hold (it holds: ${ids}). Add that key; where it is lost, restore it from a backup.`,
        );
      }
      try {
        return decrypt(key, wrapped, header.length, contextOf(id, dataKeyId));
      } catch (cause) {
        throw new KeyUnavailable(
          `ENCRYPTION_KEYS holds a key named "${id}", but not the key of that name which the stored data was sealed with (data key ${dataKeyId}). Give the original key "${id}".`,
          { cause },
        );
      }
    },
  };
}

function toKey({ key }: EncryptionKey): KeyObject {
  return createSecretKey(Buffer.from(key.reveal(), 'base64'));
}

function contextOf(keyEncryptionKeyId: string, dataKeyId: string): Buffer {
  return Buffer.from(JSON.stringify(['data_key', keyEncryptionKeyId, dataKeyId]), 'utf8');
}
