/** A copy for what is kept for long: a small Buffer shares a block of Node's with many others, and keeps all of it in memory. */
export function ownBytes(bytes: Uint8Array): Buffer {
  return Buffer.from(new Uint8Array(bytes).buffer);
}
