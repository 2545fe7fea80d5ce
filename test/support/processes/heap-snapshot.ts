import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { getHeapSnapshot } from 'node:v8';

/** Returns every string and object of this process, as text. */
export async function readHeapSnapshot(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of Readable.from(getHeapSnapshot())) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('latin1');
}

/** Makes random letters that no string of this process contains yet, to search for in a snapshot. */
export function unseenLetters(length: number): Uint8Array {
  return Uint8Array.from(randomBytes(length), (byte) => 'abcdefghijklmnop'.charCodeAt(byte % 16));
}

export function textOf(letters: Uint8Array): string {
  return Buffer.from(letters).toString('latin1');
}
