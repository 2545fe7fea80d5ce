/** An opaque sealed value: key id, nonce, ciphertext and tag in one run of bytes. */
export type Sealed = Uint8Array;

/** Where a sealed value belongs. Opened anywhere else it does not open. */
export interface SealedAt {
  organizationId: string | null;
  table: 'connections' | 'grants' | 'authorizations';
  row: string;
  column: string;
}

/** Seals and opens small secrets. Synchronous: its keys are in memory from the start. */
export interface Cipher {
  seal(plaintext: string, at: SealedAt): Sealed;
  /** Throws where the value was altered, moved, or sealed under a key this process does not hold. */
  open(sealed: Sealed, at: SealedAt): string;
}
