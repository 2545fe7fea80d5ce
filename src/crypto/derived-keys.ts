import { hkdfSync, type KeyObject } from 'node:crypto';
import { type ConfiguredKey, type EncryptionKey, isHeld } from '../domain/encryption-keys.ts';

const keyBytes = 32;

/**
 * Derives the keys of one purpose with HKDF (RFC 5869): base64url of 32 bytes each, newest first. Callers sign with the
 * first key and accept every key. Processes with the same encryption keys derive the same keys. Keys of different
 * purposes are unrelated.
 */
export function deriveKeys(from: readonly EncryptionKey[], purpose: string): string[] {
  return from.map(({ key }) => derive(Buffer.from(key.reveal(), 'base64'), `token-broker/${purpose}`));
}

/** Returns the keys of one purpose now: the first signs, all verify. Empty until the data keys are loaded. */
export type DerivedKeys = (purpose: string) => readonly string[];

/**
 * Derives keys from the encryption keys that this process holds, and then from the data keys. A key in a key service
 * derives nothing, so a process with such keys alone signs with the data key that seals. A process that still holds a key
 * of its own accepts both, so that processes may change one by one.
 */
export function createDerivedKeys(keys: readonly ConfiguredKey[], dataKeys: () => readonly KeyObject[]): DerivedKeys {
  const own = keys.filter(isHeld);
  return (purpose) => [
    ...deriveKeys(own, purpose),
    ...dataKeys().map((key) => derive(key, `token-broker/data-key/${purpose}`)),
  ];
}

function derive(from: Buffer | KeyObject, purpose: string): string {
  return Buffer.from(hkdfSync('sha256', from, '', purpose, keyBytes)).toString('base64url');
}
