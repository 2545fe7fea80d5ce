import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isBrokerError } from '../../../src/domain/errors.ts';
import { etagOf, parseIfMatch, revisionsFor } from '../../../src/http/etag.ts';

const id = '01980c2e-6f5a-7c31-9b0e-0d6d6f1c2a11';

const revisionsIn = (header: string, connectionId = id) => {
  const tags = parseIfMatch(header);
  return tags === '*' || tags === undefined ? tags : revisionsFor(tags, connectionId);
};

test('an ETag sent back as If-Match yields its revision, for the same connection only', () => {
  expect(revisionsIn(etagOf({ id, revision: 12 }))).toEqual(['12']);
  expect(revisionsIn(etagOf({ id, revision: 12 }), id.replace('0', '1'))).toEqual([]);
});

test.each([
  [undefined, undefined],
  ['*', '*'],
  [' * ', '*'],
  ['"a","b" , "c"', ['a', 'b', 'c']],
  [' \t"a"\t,, ,"b" ,', ['a', 'b']],
  ['W/"a", "b"', ['a', 'b']],
  ['"a,b", "c"', ['a,b', 'c']],
  ['""', ['']],
  ['"W/"', ['W/']],
  ['"é"', ['é']],
  ['"a-gzip"', ['a']],
  ['W/"a--gzip"', ['a']],
  ['"a-br", "b;gzip", "c-zstd"', ['a', 'b', 'c']],
  ['"gzip"', ['gzip']],
])('If-Match %j is parsed to the tags %j', (header, tags) => {
  expect(parseIfMatch(header)).toEqual(tags);
});

test.each([
  '',
  ' ',
  ',',
  'a',
  'W/a',
  'w/"a"',
  'W/',
  '"',
  '"a',
  'a"',
  'x"a"',
  '"a" "',
  '"a" b',
  '*, "a"',
  '"a", *',
  '**',
  '"a b"',
  "'a'",
])('If-Match %j is refused as malformed', (header) => {
  expect(() => parseIfMatch(header)).toThrow('header.If-Match: must hold entity tags in double quotes, or *');
});

test('every form that proxies give to an ETag names its revision, alone and among others', () => {
  const revision = fc.integer({ min: 0, max: 1_000_000 });
  const form = fc.constantFrom(
    (tag: string) => tag,
    (tag: string) => `W/${tag}`,
    (tag: string) => tag.replace(/"$/, '-gzip"'),
    (tag: string) => `W/${tag.replace(/"$/, '--gzip"')}`,
  );
  const space = fc.constantFrom('', ' ', '\t', ' , ');
  fc.assert(
    fc.property(revision, form, space, space, (number, write, before, after) => {
      const header = write(etagOf({ id, revision: number }));
      expect(revisionsIn(`${before}${header}${after}`)).toEqual([String(number)]);
      expect(revisionsIn(`"other",${before}${header},W/"another"${after}`)).toEqual([String(number)]);
    }),
  );
});

test('a header of the maximum size is parsed or refused at once', () => {
  for (const part of [' ', '"', '"a"', 'W/', ',', '"a', '\t,'])
    try {
      parseIfMatch(part.repeat(16_384 / part.length));
    } catch (error) {
      if (!isBrokerError(error, 'invalid_request')) throw error;
    }
});
