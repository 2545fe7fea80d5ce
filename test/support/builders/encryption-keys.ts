import { randomBytes } from 'node:crypto';
import type { EncryptionKey } from '../../../src/domain/encryption-keys.ts';
import { Secret } from '../../../src/domain/secret.ts';

/** Makes a random key-encryption key. */
export function encryptionKey(id: string): EncryptionKey {
  return { id, key: new Secret(randomBytes(32).toString('base64')) };
}
