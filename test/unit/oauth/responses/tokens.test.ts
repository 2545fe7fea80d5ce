import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isMalformedToken, readToken } from '../../../../src/oauth/responses/tokens.ts';

test('white space and line ends around a token are cut off, and the token is kept as it is', () => {
  const token = fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,40}[\x21-\x7e])?$/);
  const space = fc.constantFrom('', ' ', '\n', '\r\n', '\t', '\u00a0', '\uFEFF');
  fc.assert(
    fc.property(token, space, space, (text, before, after) => {
      fc.pre(!/^(null|undefined)$/i.test(text));
      expect(readToken(before + text + after)).toBe(text);
      expect(isMalformedToken(before + text + after)).toBe(false);
    }),
  );
});

test('a control character or a character outside ASCII inside a token refuses it', () => {
  const bad = fc.integer({ min: 0, max: 0xffff }).filter((code) => code < 0x20 || code > 0x7e);
  fc.assert(
    fc.property(bad, (code) => {
      const text = `a${String.fromCharCode(code)}b`;
      expect(readToken(text)).toBeNull();
      expect(isMalformedToken(text)).toBe(true);
    }),
  );
});

test.each([undefined, null, false, 0, '', ' \n', 'null', 'NULL', 'undefined', ' undefined ', [], {}])(
  '%j says that there is no token',
  (value) => {
    expect(readToken(value)).toBeNull();
    expect(isMalformedToken(value)).toBe(false);
  },
);

test.each([true, 5, ['a'], { a: 1 }, 'a\nb', 'tökén', 'x'.repeat(64 * 1024 + 1)])(
  '%j is a malformed token',
  (value) => {
    expect(readToken(value)).toBeNull();
    expect(isMalformedToken(value)).toBe(true);
  },
);

test('a token of 64 KB is read', () => {
  expect(readToken('x'.repeat(64 * 1024))).toHaveLength(64 * 1024);
});
