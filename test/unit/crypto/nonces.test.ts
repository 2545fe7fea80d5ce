import { expect, test } from 'vitest';
import { createNonces } from '../../../src/crypto/nonces.ts';

test('no nonce comes twice, however many are drawn', () => {
  const newNonce = createNonces(12);
  const drawn = Array.from({ length: 2_000 }, () => Buffer.from(newNonce()).toString('hex'));
  expect(new Set(drawn).size).toBe(2_000);
  expect(drawn.every((nonce) => nonce.length === 24 && nonce !== '0'.repeat(24))).toBe(true);
});
