import { expect, test } from 'vitest';
import { createTokens, newId } from '../../../src/crypto/tokens.ts';

const tokens = createTokens();

test('a random token has the requested number of bytes, in URL-safe characters', () => {
  const token = tokens.random(32);
  expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(Buffer.from(token, 'base64url')).toHaveLength(32);
  expect(tokens.random(32)).not.toBe(token);
});

test('a random token below 128 bits is refused', () => {
  expect(() => tokens.random(15)).toThrow(RangeError);
});

test('sha256 gives the digest of the test vector in FIPS 180-2', () => {
  expect(Buffer.from(tokens.sha256('abc')).toString('hex')).toBe(
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  expect(tokens.sha256Text('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0');
});

test('equal compares bytes, and returns false for values of different lengths', () => {
  expect(tokens.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(tokens.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(tokens.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3))).toBe(false);
});

test('new ids are UUIDs of version 7 that sort in the order of creation', () => {
  const ids = Array.from({ length: 100 }, () => newId());
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(ids.toSorted()).toEqual(ids);
});
