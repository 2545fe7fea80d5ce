/** An opaque sealed value: key id, nonce, ciphertext and tag in one byte array. */
export type Sealed = Uint8Array;

/** Location of a sealed value. The value opens at no other location. */
export interface SealedAt {
  organizationId: string | null;
  table: 'connections' | 'grants' | 'authorizations';
  row: string;
  column: string;
  /** Other facts that the value is bound to: it does not open if one of them changed. Absent: none. */
  boundTo?: string;
}

/** Seals and opens small secrets. Synchronous, because its keys are in memory from the start. */
export interface Cipher {
  seal(plaintext: string, at: SealedAt): Sealed;
  /**
   * Throws if the value was altered, moved, or sealed under a key that this process does not hold. service_unavailable: the
   * process is about to load that key.
   */
  open(sealed: Sealed, at: SealedAt): string;
}
