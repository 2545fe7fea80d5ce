import type { Connection } from '../connections/connection.ts';
import type { Secret } from '../secret.ts';

/** A connection as it was when its client secrets were sent. */
export type SecretsInUse = Pick<Connection, 'id' | 'sealedClientSecrets'>;

/**
 * Records which of a connection's two client secrets its provider accepts. Every write compares the sealed secrets that
 * were used, so an edit meanwhile is never undone. Revision and date of the connection stay.
 */
export interface ClientSecretStore {
  /** Records that the provider refused the newest secret and accepted the older one. */
  recordRefused(used: SecretsInUse, at: Date): Promise<void>;
  /** Replaces the list by the newest secret alone, because the provider accepts it. Deletes the older one. */
  keepNewest(used: SecretsInUse, sealedNewest: Connection['sealedClientSecrets']): Promise<void>;
}

/** Connection that a fingerprint belongs to. The same secret of another connection has another fingerprint. */
export type FingerprintOwner = Pick<Connection, 'organizationId' | 'name'>;

/** Keyed hashes of client secrets: they compare secrets without opening them, and tell nothing to a reader of the database. */
export interface SecretFingerprints {
  /** Returns 32 bytes, made with the current key. */
  of(secret: Secret, owner: FingerprintOwner): Uint8Array;
  /** Returns false also for a fingerprint under a key that this process no longer has. */
  matches(fingerprint: Uint8Array, secret: Secret, owner: FingerprintOwner): boolean;
}
