import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findRepeatedMember } from '../../../../src/domain/json/repeated-member.ts';

test.each([
  ['{"a":1,"a":2}', ['a']],
  ['{"a":1,"\\u0061":2}', ['a']],
  ['{"a":{"b":1},"c":{"b":{"d":1,"d":1}}}', ['c', 'b', 'd']],
  ['[{"a":1},{"a":2,"a":3}]', ['a']],
  ['{"a":[{"b":1,"c":[1,2],"b":2}]}', ['a', 'b']],
  ['{"a":"{","b":"\\"a\\":","a":""}', ['a']],
  ['{"":1,"x":{"y":1,"y":2}}', ['x', 'y']],
])('%s repeats the member %j', (text, path) => {
  expect(findRepeatedMember(text)).toEqual(path);
});

test.each(['{}', '[]', '1', '"a"', 'null', '{"a":"a","b":["a","a"],"c":{"a":1},"d":{"a":1}}', '[{"a":1},{"a":1}]'])(
  '%s repeats no member',
  (text) => {
    expect(findRepeatedMember(text)).toBeUndefined();
  },
);

test('no JSON value that was written once repeats a member, and every object does after one of its members is added again', () => {
  fc.assert(
    fc.property(
      fc.json({ maxDepth: 4 }),
      fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue(), { minKeys: 1 }),
      (text, object) => {
        expect(findRepeatedMember(text)).toBeUndefined();
        const [name = ''] = Object.keys(object);
        const twice = `{"outer":[${text},${JSON.stringify(object).slice(0, -1)},${JSON.stringify(name)}:${text}}]}`;
        expect(findRepeatedMember(twice)).toEqual(['outer', name]);
      },
    ),
  );
});

test('the largest body is searched at once', () => {
  for (const text of [
    `{"a":"${'x'.repeat(250_000)}"}`,
    `"${'\\"'.repeat(125_000)}"`,
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  ])
    expect(findRepeatedMember(text)).toBeUndefined();
});
