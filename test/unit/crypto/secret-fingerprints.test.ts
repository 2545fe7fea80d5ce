import { expect, test } from 'vitest';
import { createSecretFingerprints } from '../../../src/crypto/secret-fingerprints.ts';
import { Secret } from '../../../src/domain/secret.ts';

const [old, next] = ['b2xk', 'bmV4dA'];
const secret = new Secret('canary');
const crm = { organizationId: 'acme', name: 'crm' };
const of = (...keys: string[]) => createSecretFingerprints(() => keys);

test('a fingerprint matches its secret alone, for its connection alone, and does not hold the secret', () => {
  const made = of(next).of(secret, crm);
  expect(made).toHaveLength(32);
  expect(of(next).matches(made, secret, crm)).toBe(true);
  expect(of(next).matches(made, new Secret('canary '), crm)).toBe(false);
  expect(of(next).matches(made, secret, { ...crm, name: 'erp' })).toBe(false);
  expect(of(next).matches(made, secret, { ...crm, organizationId: null })).toBe(false);
  expect(Buffer.from(made).toString('latin1')).not.toContain('canary');
});

test('a fingerprint under an earlier key matches as long as the process holds that key', () => {
  const made = of(old).of(secret, crm);
  expect(of(next, old).matches(made, secret, crm)).toBe(true);
  expect(of(next).matches(made, secret, crm)).toBe(false);
});

test('a fingerprint of another length matches nothing', () => {
  expect(of(next).matches(new Uint8Array(3), secret, crm)).toBe(false);
});
