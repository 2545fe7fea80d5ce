import { createHash } from 'node:crypto';
import type { Cipher, SealedAt } from '../../../src/domain/ports/cipher.ts';

const digestBytes = 32;

/** Hides nothing, but opens a value only where it was sealed, and only unaltered. */
export function createMemoryCipher(): Cipher {
  const addressOf = ({ organizationId, table, row, column, boundTo = '' }: SealedAt) =>
    JSON.stringify([organizationId, table, row, column, boundTo]);
  return {
    seal: (plaintext, at) => {
      const content = Buffer.from(JSON.stringify([addressOf(at), plaintext]));
      return new Uint8Array(Buffer.concat([digestOf(content), content]));
    },
    open: (sealed, at) => {
      const content = Buffer.from(sealed).subarray(digestBytes);
      if (Buffer.compare(digestOf(content), sealed.subarray(0, digestBytes)) !== 0) throw new Error('It was altered.');
      const [sealedAt, plaintext] = JSON.parse(content.toString()) as [string, string];
      if (sealedAt !== addressOf(at)) throw new Error(`Sealed at ${sealedAt}, opened at ${addressOf(at)}.`);
      return plaintext;
    },
  };
}

function digestOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest();
}
