/** What keeps a small Buffer keeps the block it shares with a thousand others: of what is kept for long, a copy is. */
export function ownBytes(bytes: Uint8Array): Buffer {
  return Buffer.from(new Uint8Array(bytes).buffer);
}
