import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isWellEncoded, parseAuthorizationResponse } from '../../../../src/http/validation/percent-encoding.ts';

const malformed = [
  '%',
  '%4',
  '%zz',
  '%ff',
  '%C3',
  '%C0%AF',
  '%E0%80%AF',
  '%F4%90%80%80',
  '%ED%A0%80',
  '\u00e9',
  'a b',
  '\x7f',
];

test.each(malformed)('%j is not well encoded', (text) => {
  expect(isWellEncoded(text)).toBe(false);
  expect(isWellEncoded(`a=1&b=${text}&c=2`)).toBe(false);
});

test('every text is well encoded after encodeURIComponent and by a form', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(isWellEncoded(encodeURIComponent(text))).toBe(true);
      expect(isWellEncoded(new URLSearchParams({ text }).toString())).toBe(true);
    }),
  );
});

test.each(malformed)(
  'an authorization response with %j in a decisive parameter is refused, and elsewhere it is dropped',
  (text) => {
    for (const name of ['code', 'state', 'iss', 'error', 'c%6Fde'])
      expect(() => parseAuthorizationResponse(`a=1&${name}=x${text}`)).toThrow(/: must be percent-encoded UTF-8$/);
    const kept = parseAuthorizationResponse(`code=c&company=${text}&${text}=1&error_description=d${text}&state=s`);
    expect([...kept.keys()]).toEqual(['code', 'error_description', 'state']);
  },
);

test('an authorization response keeps repeated parameters, for the use case to refuse', () => {
  expect(parseAuthorizationResponse('code=a&code=b+%2B%C3%A9').getAll('code')).toEqual(['a', 'b +é']);
  expect([...parseAuthorizationResponse('')]).toEqual([]);
});
