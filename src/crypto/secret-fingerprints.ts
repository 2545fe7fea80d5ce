import { createHmac, timingSafeEqual } from 'node:crypto';
import { BrokerError } from '../domain/errors.ts';
import type { FingerprintOwner, SecretFingerprints } from '../domain/ports/client-secrets.ts';
import type { Secret } from '../domain/secret.ts';

/**
 * Makes fingerprints with derived keys, newest first. With an encryption key that the process holds they depend on it
 * alone, and outlive every data key. With keys in key services alone they end with the data key that made them.
 */
export function createSecretFingerprints(keys: () => readonly string[]): SecretFingerprints {
  return {
    of(secret, owner) {
      const [newest] = keys();
      if (newest === undefined) {
        throw BrokerError.with('service_unavailable', 'The service is starting.', { retry_after: 2 });
      }
      return fingerprint(newest, secret, owner);
    },
    matches: (stored, secret, owner) =>
      keys().some((key) => {
        const own = fingerprint(key, secret, owner);
        return own.length === stored.length && timingSafeEqual(own, stored);
      }),
  };
}

/** Encodes owner and secret as a JSON array: two different pairs never encode alike. */
function fingerprint(key: string, secret: Secret, { organizationId, name }: FingerprintOwner): Buffer {
  return createHmac('sha256', Buffer.from(key, 'base64url'))
    .update(JSON.stringify([organizationId, name, secret.reveal()]))
    .digest();
}
