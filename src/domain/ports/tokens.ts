/** Generates and hashes random text: states, API key secrets, browser ids. */
export interface Tokens {
  /** Returns base64url. Throws for less than 16 bytes (128 bits). */
  random(bytes: number): string;
  sha256(text: string): Uint8Array;
  /** Returns base64url, for hashes that are row keys. */
  sha256Text(text: string): string;
  /** Compares in a time that depends only on the lengths. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}

/** Creates row ids: UUID version 7, which sorts by creation time. */
export type NewId = () => string;
