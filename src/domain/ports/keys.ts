import type { AuditEvent } from '../audit.ts';

/**
 * A key that stored data needs is missing; no retry helps. `message` tells the operator the key's id and the remedy.
 */
export class KeyUnavailable extends Error {
  override readonly name = 'KeyUnavailable';
}

/**
 * unreachable: a repetition may help. refused: the key service denies the use of the key, or does not know it. mismatch:
 * another key wrapped the value, or the value or its context was changed.
 */
export type KeyFailureKind = 'unreachable' | 'refused' | 'mismatch';

/** A key-encryption key did not wrap or unwrap. `message` says why, for the operator, without secrets. */
export class KeyFailure extends Error {
  override readonly name = 'KeyFailure';
  readonly kind: KeyFailureKind;

  constructor(kind: KeyFailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** One key-encryption key, in memory or in a key service. It is used at the start and in rotations, never per request. */
export interface KeyEncryptionKey {
  id: string;
  /** Name of the key service for messages. Null: the process holds the key itself. */
  service: string | null;
  /** Binds `context` into the result. Throws KeyFailure. */
  wrap(key: Uint8Array, context: Uint8Array): Promise<Uint8Array>;
  /** Throws KeyFailure, of kind mismatch for another context than the one it was wrapped with. */
  unwrap(wrapped: Uint8Array, context: Uint8Array): Promise<Uint8Array>;
}

/** A data key as stored. Only a process that can unwrap it can use it. */
export interface WrappedKey {
  /** Id of the key-encryption key that wrapped it. */
  keyEncryptionKeyId: string;
  wrapped: Uint8Array;
}

/**
 * Wraps data keys, with keys from the environment or with a service that never releases its keys. `dataKeyId` is bound
 * into the result, so that one wrapped key cannot replace another.
 */
export interface KeyEncryptionKeys {
  /** Id of the key that wraps. */
  currentId: string;
  /** Ids of all keys of this process. */
  ids: readonly string[];
  /** Wraps with the key-encryption key that is current for new data keys. */
  wrap(key: Uint8Array, dataKeyId: string): Promise<WrappedKey>;
  /**
   * Throws KeyUnavailable if the key-encryption key is missing or another one wrapped. Other errors may be temporary.
   */
  unwrap(key: WrappedKey, dataKeyId: string): Promise<Uint8Array>;
}

/**
 * introduced: processes load the key, and none seals under it yet. sealing: new values are sealed under this key; at most
 * one key has this state. opening: it only opens older values.
 */
export type DataKeyState = 'introduced' | 'sealing' | 'opening';

/** A row of data_keys. */
export interface DataKey extends WrappedKey {
  /** UUID version 7. Part of every value sealed under the key. */
  id: string;
  state: DataKeyState;
  /**
   * A known text sealed under the key. Opening it at start proves that the unwrapped key is the one that sealed the
   * data.
   */
  canary: Uint8Array;
  createdAt: Date;
}

/** A data key with its history. */
export interface DataKeyUse extends DataKey {
  /** Values sealed so far. Processes report their counts every few seconds; a killed process loses its last one. */
  seals: number;
  /** Time at which another key took over the sealing. Null before. */
  sealedUntil: Date | null;
}

export interface DataKeyStore {
  /** Lists the keys, newest first. */
  list(): Promise<DataKeyUse[]>;
  /**
   * Inserts the first key of an empty table. Returns false, and writes nothing, if a key exists: of several processes
   * that start at once, exactly one receives true.
   */
  insertFirst(key: DataKey): Promise<boolean>;
  /** Checks whether any sealed value is stored. If one is, no first key may be created: a lost key has to come back. */
  hasSealedData(): Promise<boolean>;
  addSeals(dataKeyId: string, seals: number): Promise<void>;
}

/** A caller's word that a copy of a key-encryption key lies elsewhere. */
export interface KeyBackup {
  keyId: string;
  confirmedAt: Date;
  /** Id of the caller. */
  confirmedBy: string;
}

export interface KeyBackupStore {
  list(keyIds: readonly string[]): Promise<KeyBackup[]>;
  /** Stores the confirmation with its event. Replaces an earlier one of the same key. */
  confirm(backup: KeyBackup, event: AuditEvent): Promise<void>;
}

/** Makes and re-wraps data keys with the key-encryption keys of this process. */
export interface DataKeyMaker {
  /** Id of the key-encryption key that wraps. */
  keyEncryptionKeyId: string;
  make(state: DataKeyState): Promise<DataKey>;
  /** Wraps a data key anew. Throws KeyUnavailable if this process cannot open it. */
  rewrap(key: DataKey): Promise<WrappedKey>;
}
