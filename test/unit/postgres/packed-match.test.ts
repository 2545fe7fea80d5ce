import { expect, test } from 'vitest';
import { packMatch, unpackMatch } from '../../../src/postgres/packed-match.ts';
import { match } from '../../support/credential-match.ts';

test('a match is unpacked as it was packed', () => {
  expect(unpackMatch(packMatch(match), false)).toEqual(match);
});

test('the bytes of a token that is kept are all it keeps', () => {
  const [kept] = unpackMatch(packMatch(match), true).grants;
  expect(kept?.sealedTokens?.buffer.byteLength).toBe(match.grants[0]?.sealedTokens?.byteLength);
});
