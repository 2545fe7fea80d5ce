/**
 * Copies bytes that are kept for long. Node allocates small Buffers from shared blocks of 64 KB: one cached slice keeps
 * its whole block in memory.
 */
export function ownBytes(bytes: Uint8Array): Buffer {
  return Buffer.from(new Uint8Array(bytes).buffer);
}
