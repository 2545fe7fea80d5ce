import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cleanProviderText } from '../../../src/domain/provider-text.ts';
import { Secret } from '../../../src/domain/secret.ts';

describe('cleanProviderText', () => {
  test('any text becomes at most 200 printable characters, or null', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const cleaned = cleanProviderText(text, []);
        if (cleaned === null) return;
        expect([...cleaned].length).toBeLessThanOrEqual(200);
        expect(cleaned).toMatch(/^[^\p{C}]+$/u);
        expect(cleaned.isWellFormed()).toBe(true);
      }),
    );
  });

  test('a text that repeats a secret is dropped as a whole', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6 }), fc.string(), fc.string(), (secret, before, after) => {
        expect(cleanProviderText(`${before}${secret}${after}`, [new Secret(secret)])).toBeNull();
        expect(cleanProviderText(`${before}${secret}${after}`, [null, secret])).toBeNull();
      }),
    );
  });

  test('direction characters, line ends and control characters become one space', () => {
    expect(cleanProviderText(' a\u202Eb\r\n\u0007c\u2028d ', [])).toBe('a b c d');
  });

  test.each([null, '', ' \n'])('%j has no text', (text) => {
    expect(cleanProviderText(text, [])).toBeNull();
  });
});
