import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseResponseBody } from '../../../../src/oauth/responses/parse-response-body.ts';

const whole = { access_token: 'a', nested: { list: [1, { x: '}' }], text: 'a,b"\\{' }, refresh_token: 'r', n: -1.5e3 };

test('a body in JSON is read, with surrounding white space or a byte order mark', () => {
  for (const text of [JSON.stringify(whole), `\uFEFF \r\n${JSON.stringify(whole, null, 2)}\n\n`])
    expect(parseResponseBody(text)).toEqual(whole);
});

test('every member that arrived whole is read from JSON that broke off at any byte, and no member is cut', () => {
  const member = fc.tuple(fc.string({ minLength: 1 }), fc.jsonValue({ maxDepth: 3 }));
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 6 }), fc.nat(), fc.boolean(), (entries, cut, pretty) => {
      const object = Object.fromEntries(entries.map(([name, value], at) => [`${at}${name}`, value]));
      const text = JSON.stringify(object, null, pretty ? 2 : 0);
      const at = cut % text.length;
      const expected = JSON.parse(JSON.stringify(object));
      const read = parseResponseBody(text.slice(0, at), false) ?? {};
      for (const [name, value] of Object.entries(read)) expect(value).toEqual(expected[name]);
      const names = Object.keys(expected);
      const arrived = names.filter((_, index) => {
        const next = names[index + 1];
        return (
          next !== undefined && text.indexOf(`${JSON.stringify(next)}:`) >= 0 && endOf(text, expected, index) <= at
        );
      });
      expect(Object.keys(read)).toEqual(expect.arrayContaining(arrived));
    }),
  );
});

/** End of the comma after the member with this index. */
function endOf(text: string, object: Record<string, unknown>, index: number): number {
  const before = Object.fromEntries(Object.entries(object).slice(0, index + 1));
  const indent = text.startsWith('{\n') ? 2 : 0;
  return JSON.stringify(before, null, indent).replace(/\n?\}$/, '').length + 1;
}

describe('JSON that no parser accepts', () => {
  test.each<[string, string]>([
    ['a trailing comma', '{"access_token":"a","refresh_token":"r",}'],
    ['text after its end', '{"access_token":"a","refresh_token":"r"}<!-- served by proxy 7 -->'],
    ['a second object after its end', '{"access_token":"a","refresh_token":"r"}{"refresh_token":"no"}'],
    ['a value that is no JSON', '{"access_token":"a","expires_in":NaN,"refresh_token":"r"}'],
    ['a missing value', '{"access_token":"a","expires_in":,"refresh_token":"r"}'],
    ['no closing bracket', '{"access_token":"a","refresh_token":"r",'],
    ['a raw line break in a text', '{"error":"two\nlines","access_token":"a","refresh_token":"r"}'],
    ['a nested object that broke off', '{"access_token":"a","refresh_token":"r","user":{"id":1'],
  ])('%s keeps the members that can be read', (_, text) => {
    expect(parseResponseBody(text)).toEqual({ access_token: 'a', refresh_token: 'r' });
  });

  test.each(['{', '{}x{', '{"access_token":', '{"access_token":"a', '{"access_token":"a\\"', '{,,,}', '{{{{', '{]'])(
    '%s has no members',
    (text) => {
      expect(Object.keys(parseResponseBody(text) ?? {})).toEqual([]);
    },
  );

  test('256 KB of commas, brackets or quotes are given up within 200 ms', () => {
    for (const piece of [',', '{', '[', '"', '1,', '{"a":', '"",']) {
      const startedAt = performance.now();
      parseResponseBody(`{${piece.repeat((256 * 1024) / piece.length)}`, false);
      expect(performance.now() - startedAt, piece).toBeLessThan(200);
    }
  });
});

describe('forms', () => {
  test('a form is read whatever it is called', () => {
    expect(parseResponseBody('access_token=n%2Bew&scope=a%20b+c')).toEqual({ access_token: 'n+ew', scope: 'a b c' });
  });

  test('the last parameter of a form that broke off is left out: it may be the beginning of a token', () => {
    const form = 'access_token=abc&refresh_token=defgh';
    for (let at = 1; at < form.length; at++) {
      const read = parseResponseBody(form.slice(0, at), false) ?? {};
      expect(Object.values(read).filter((value) => value !== 'abc')).toEqual([]);
    }
    expect(parseResponseBody(`${form}&x=`, false)).toEqual({ access_token: 'abc', refresh_token: 'defgh' });
  });
});

test.each([null, '', 'null', '[]', '"text"', '7', 'just words', '<html>error=invalid_grant</html>'])(
  '%j has no members',
  (body) => {
    expect(parseResponseBody(body)).toBeNull();
  },
);
