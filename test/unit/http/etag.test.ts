import { expect, test } from 'vitest';
import { etagOf, parseIfMatch, revisionsFor } from '../../../src/http/etag.ts';

const id = '01980c2e-6f5a-7c31-9b0e-0d6d6f1c2a11';

test('what is given out comes back as the same revision, and only for the same connection', () => {
  const tags = parseIfMatch(etagOf({ id, revision: 12 }));
  expect(tags === '*' || tags === undefined ? tags : revisionsFor(tags, id)).toEqual(['12']);
  expect(tags === '*' || tags === undefined ? tags : revisionsFor(tags, id.replace('0', '1'))).toEqual([]);
});

test.each([
  [undefined, undefined],
  [' * ', '*'],
  ['"a","b" , "c"', ['a', 'b', 'c']],
  ['W/"a", "b"', ['b']],
  ['"a, b"', []],
  ['a', []],
  ['"', []],
])('If-Match %j is %j', (header, tags) => {
  expect(parseIfMatch(header)).toEqual(tags);
});
