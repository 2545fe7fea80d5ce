import type { AuditEvent } from '../../audit.ts';
import type { Connection, ConnectionSettings } from '../../connections/connection.ts';
import type { Sealed } from '../cipher.ts';
import type { DataKey, WrappedKey } from '../keys.ts';

/** Part of a connection that decides where its client secrets may be sent. */
export interface SecretDestination extends Pick<Connection, 'secretOrigins'> {
  settings: Pick<ConnectionSettings, 'provider' | 'tokenUrl' | 'variables'>;
}

/** Columns that hold sealed values, in the order of a pass. The copies of a pending revocation come last. */
export const sealedPlaces = [
  'connections.sealed_client_secrets',
  'grants.sealed_tokens',
  'authorizations.sealed_verifier',
  'authorizations.sealed_waiting',
  'pending_revocations.sealed_tokens',
  'pending_revocations.sealed_client_secrets',
] as const;
export type SealedPlace = (typeof sealedPlaces)[number];

/** A stored value with what its place is made of. */
export interface SealedValue {
  /** Primary key of the row, as text. */
  key: string;
  sealed: Sealed;
  /** Row and organisation that the value is bound to. A pending revocation holds those of its grant or connection. */
  row: string;
  organizationId: string | null;
  /** Destination of the client secrets of a connection. They are bound to it. */
  destination?: SecretDestination;
}

export interface SealedPage {
  /** Values of the page that are not sealed under the wanted key, or in an earlier layout. */
  values: SealedValue[];
  /** Rows of the page. */
  examined: number;
  /** Position of the next page. Null: this was the last one. */
  next: string | null;
}

export interface Replacement {
  key: string;
  from: Sealed;
  to: Sealed;
}

/** Sealed values of every organisation, read in pages by primary key. */
export interface SealedValueStore {
  page(place: SealedPlace, wanted: string, after: string | null, limit: number): Promise<SealedPage>;
  /**
   * Replaces values that are still as they were read. Waits for no lock. Returns how many were replaced. Changes no
   * other column: the version of a grant stays, and so does a newer token set.
   */
  replace(place: SealedPlace, replacements: readonly Replacement[]): Promise<number>;
  /** Counts the values of one page that are sealed under a data key. */
  count(
    place: SealedPlace,
    dataKeyId: string,
    after: string | null,
    limit: number,
  ): Promise<{ found: number; next: string | null }>;
}

/** Keys that one process holds, or held when it ended. */
export interface KeyHolder {
  /** Id of the instance of the data directory. */
  id: string;
  host: string;
  encryptionKeyIds: string[];
  dataKeyIds: string[];
  /** Key that the process seals new values under. Null while it starts. */
  sealingKeyId: string | null;
  /** Data keys of token sets that wait in its spool. */
  spooledKeyIds: string[];
  seenAt: Date;
  /** False if the process ended without recovery of its spool, or does not reach the database. */
  isLive: boolean;
}

export interface KeyHolderStore {
  report(holder: Omit<KeyHolder, 'seenAt' | 'isLive'>): Promise<void>;
  /** Removes the row of a process whose spool is empty. */
  remove(id: string): Promise<void>;
  list(): Promise<KeyHolder[]>;
}

/**
 * distributing: waits until every live process holds the keys. resealing: passes over all sealed values are under way.
 */
export type RotationState = 'distributing' | 'resealing' | 'finished';

export interface RotationProgress {
  state: RotationState;
  /** Number of passes begun. */
  pass: number;
  place: SealedPlace | null;
  cursor: string | null;
  examined: number;
  resealed: number;
  /** Values of this pass that another write held or replaced. The next pass examines them again. */
  contended: number;
  /** Values of this pass that do not open. */
  unreadable: number;
}

export interface KeyRotation extends RotationProgress {
  id: string;
  encryptionKeyId: string;
  /** The new data key; null if the rotation only wraps the data keys anew. */
  dataKeyId: string | null;
  startedBy: string;
  startedAt: Date;
  finishedAt: Date | null;
}

export interface KeyRotationStore {
  /** Begins a rotation with its new data key and its event. Returns the active rotation instead if there is one. */
  begin(
    rotation: Pick<KeyRotation, 'id' | 'encryptionKeyId' | 'startedBy' | 'startedAt'>,
    dataKey: DataKey | null,
    event: AuditEvent,
  ): Promise<{ rotation: KeyRotation; isNew: boolean }>;
  /** Returns the active rotation, or the last one. */
  latest(): Promise<KeyRotation | undefined>;
  /** Takes the active rotation for a time, unless another process has it. */
  claim(owner: string, leaseMs: number): Promise<KeyRotation | undefined>;
  /** Saves progress and extends the lease. Returns false if another process has taken the rotation over. */
  save(id: string, owner: string, progress: RotationProgress, leaseMs: number): Promise<boolean>;
  finish(id: string, owner: string, event: AuditEvent): Promise<void>;
  /** Lets another process take the rotation at once. */
  release(id: string, owner: string): Promise<void>;
  /** Stores a new wrapping if the key is still wrapped as it was read. */
  storeWrapping(key: DataKey, wrapped: WrappedKey): Promise<void>;
  /** Makes an introduced key the one that seals. */
  promote(dataKeyId: string): Promise<void>;
  /** Deletes a data key that only opens values, with its event and the rows of ended processes named in `abandoned`. */
  removeDataKey(id: string, abandoned: readonly string[], event: AuditEvent): Promise<boolean>;
}
