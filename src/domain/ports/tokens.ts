/** Random and hashed text: states, API key secrets, browser ids. */
export interface Tokens {
  /** base64url; 16 bytes (128 bit) at least, or it throws. */
  random(bytes: number): string;
  sha256(text: string): Uint8Array;
  /** base64url, for hashes that serve as keys of rows. */
  sha256Text(text: string): string;
  /** In a time that depends on the lengths alone. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

/** Ids of rows: UUID version 7, so that they sort by the time they were made. */
export type NewId = () => string;
