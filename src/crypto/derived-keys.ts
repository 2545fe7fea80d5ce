import { hkdfSync } from 'node:crypto';
import type { EncryptionKey } from '../domain/encryption-keys.ts';

const keyBytes = 32;

/**
 * Keys for one purpose, base64url of 32 bytes each, newest first: make with the first, accept under any. The same in
 * every process that holds the same encryption keys, and unrelated to those of every other purpose (RFC 5869).
 */
export function deriveKeys(from: readonly EncryptionKey[], purpose: string): string[] {
  return from.map(({ key }) => {
    const derived = hkdfSync('sha256', Buffer.from(key.reveal(), 'base64'), '', `token-broker/${purpose}`, keyBytes);
    return Buffer.from(derived).toString('base64url');
  });
}
