import { beforeAll, describe, expect, test } from 'vitest';
import type { Cipher, SealedAt } from '../../src/domain/ports/cipher.ts';

const at: SealedAt = { organizationId: 'acme', table: 'grants', row: 'row-1', column: 'sealed_tokens' };

export function describeCipher(open: () => Promise<Cipher>): void {
  describe('Cipher', () => {
    let cipher: Cipher;
    beforeAll(async () => {
      cipher = await open();
    });

    test.each(['geheim ✓', '', '"\\\0'])('opens %j where it was sealed', (plaintext) => {
      expect(cipher.open(cipher.seal(plaintext, at), at)).toBe(plaintext);
    });

    test('opens a value of the global scope', () => {
      const global = { ...at, organizationId: null };
      expect(cipher.open(cipher.seal('shared', global), global)).toBe('shared');
    });

    test.each<Partial<SealedAt>>([
      { organizationId: 'other' },
      { organizationId: null },
      { table: 'connections' },
      { row: 'row-2' },
      { column: 'sealed_verifier' },
    ])('does not open a value moved to %j', (change) => {
      const sealed = cipher.seal('secret', at);
      expect(() => cipher.open(sealed, { ...at, ...change })).toThrow();
    });

    test('tells places apart whose parts join to the same text', () => {
      const sealed = cipher.seal('secret', { ...at, row: 'ab', column: 'c' });
      expect(() => cipher.open(sealed, { ...at, row: 'a', column: 'bc' })).toThrow();
    });

    test('does not open a value with any byte altered', () => {
      const sealed = cipher.seal('secret', at);
      for (let index = 0; index < sealed.length; index++) {
        const altered = Uint8Array.from(sealed, (byte, position) => (position === index ? byte ^ 1 : byte));
        expect(() => cipher.open(altered, at), `byte ${index}`).toThrow();
      }
    });

    test('does not open a value that is cut short or lengthened', () => {
      const sealed = cipher.seal('secret', at);
      expect(() => cipher.open(sealed.subarray(0, -1), at)).toThrow();
      expect(() => cipher.open(new Uint8Array([...sealed, 0]), at)).toThrow();
      expect(() => cipher.open(new Uint8Array(), at)).toThrow();
    });
  });
}
