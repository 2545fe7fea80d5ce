import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { v7 } from 'uuid';
import type { NewId, Tokens } from '../domain/ports/tokens.ts';

/** 128 bits: a shorter token could be guessed (RFC 6749 §10.10). */
const minBytes = 16;

export function createTokens(): Tokens {
  return {
    random: (bytes) => {
      if (bytes < minBytes) throw new RangeError(`A token has ${minBytes} bytes at least.`);
      return randomBytes(bytes).toString('base64url');
    },
    sha256,
    sha256Text: (text) => sha256(text).toString('base64url'),
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  };
}

export const newId: NewId = () => v7();

/** Hashes by way of text: a Buffer straight from `hash` has memory outside the heap, which takes four times as long. */
function sha256(text: string): Buffer {
  return Buffer.from(hash('sha256', text, 'hex'), 'hex');
}
