/** No retry helps: a key that stored data needs is not there. `message` names its id and what to do, and is for the operator. */
export class KeyUnavailable extends Error {
  override readonly name = 'KeyUnavailable';
}

/** A key as it lies in the database: usable only by whoever can unwrap it. */
export interface WrappedKey {
  /** Which key-encryption key wrapped it. */
  keyEncryptionKeyId: string;
  wrapped: Uint8Array;
}

/**
 * Where data keys are wrapped: keys from the environment, or a service that never gives its keys away. `dataKeyId` is
 * bound into the result, so that a wrapped key cannot pass for another one.
 */
export interface KeyEncryptionKeys {
  /** Under the key that wraps new ones. */
  wrap(key: Uint8Array, dataKeyId: string): Promise<WrappedKey>;
  /** Throws KeyUnavailable where the key-encryption key is missing or not the one that wrapped; anything else may pass. */
  unwrap(key: WrappedKey, dataKeyId: string): Promise<Uint8Array>;
}

/** sealing: new values are sealed under it; at most one key is. opening: only older values still are. */
export type DataKeyState = 'sealing' | 'opening';

/** A row of data_keys. */
export interface DataKey extends WrappedKey {
  /** UUID version 7; part of every value sealed under the key. */
  id: string;
  state: DataKeyState;
  /** A known text sealed under the key: proves at start that what was unwrapped is the key that sealed the data. */
  canary: Uint8Array;
  createdAt: Date;
}

export interface DataKeyStore {
  /** Newest first. */
  list(): Promise<DataKey[]>;
  /**
   * Inserts the first key of an empty table. False, and nothing written, where there already is one: of any number of
   * processes that start at once, exactly one is answered true.
   */
  insertFirst(key: DataKey): Promise<boolean>;
  /** Whether any column that holds sealed values holds one: no key may be made while values await a lost one. */
  hasSealedData(): Promise<boolean>;
}
