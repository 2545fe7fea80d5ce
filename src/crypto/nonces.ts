import { randomFillSync } from 'node:crypto';

/** A call into the generator costs more than the bytes it brings. */
const drawnAtOnce = 256;

/** Random nonces of that length, drawn many at a time. */
export function createNonces(bytes: number): () => Uint8Array {
  const pool = Buffer.alloc(bytes * drawnAtOnce);
  let next = pool.length;
  return () => {
    if (next === pool.length) {
      randomFillSync(pool);
      next = 0;
    }
    next += bytes;
    return pool.subarray(next - bytes, next);
  };
}
