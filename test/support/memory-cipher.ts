import type { Cipher, SealedAt } from '../../src/domain/ports/cipher.ts';

/** Hides nothing, but opens a value only where it was sealed. */
export function createMemoryCipher(): Cipher {
  const address = ({ organizationId, table, row, column }: SealedAt) =>
    JSON.stringify([organizationId, table, row, column]);
  return {
    seal: (plaintext, at) => new TextEncoder().encode(JSON.stringify([address(at), plaintext])),
    open: (sealed, at) => {
      const [sealedAt, plaintext] = JSON.parse(new TextDecoder().decode(sealed)) as [string, string];
      if (sealedAt !== address(at)) throw new Error(`Sealed at ${sealedAt}, opened at ${address(at)}.`);
      return plaintext;
    },
  };
}
