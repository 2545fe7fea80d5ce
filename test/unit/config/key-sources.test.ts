import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '../../../src/config.ts';

const local = `k1:${randomBytes(32).toString('base64')}`;

function faultOf(entry: string, env: Record<string, string> = {}): string {
  try {
    loadConfig({ ...env, ENCRYPTION_KEYS: entry });
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}

test('keys of the environment and of key services stand side by side, in their order', () => {
  const { encryptionKeys } = loadConfig({
    ENCRYPTION_KEYS: [
      'v1:vault-transit:https://vault:8200/transit/keys/name',
      local,
      'a1:aws-kms:arn:aws:kms:eu-central-1:123456789012:key/0b6a-1',
      'g1:gcp-kms:projects/example.com:p/locations/global/keyRings/r/cryptoKeys/k',
      'z1:azure-key-vault:https://name.vault.azure.net/keys/name/0123456789abcdef0123456789abcdef',
    ].join(','),
  });
  expect(encryptionKeys).toMatchObject([
    { id: 'v1', source: 'vault-transit', location: 'https://vault:8200/transit/keys/name' },
    { id: 'k1' },
    { id: 'a1', source: 'aws-kms', location: 'arn:aws:kms:eu-central-1:123456789012:key/0b6a-1' },
    { id: 'g1', location: 'projects/example.com:p/locations/global/keyRings/r/cryptoKeys/k' },
    { id: 'z1', source: 'azure-key-vault' },
  ]);
});

describe('a location that names no key is refused without being repeated', () => {
  test.each([
    ['vault-transit', 'http://vault:8200/transit/keys/name'],
    ['vault-transit', 'https://user:password@vault/transit/keys/name'],
    ['vault-transit', 'https://vault/transit/keys/../name'],
    ['vault-transit', 'https://vault/transit/keys/name?x=1'],
    ['vault-transit', 'https://vault/keys/name'],
    ['aws-kms', 'alias/name'],
    ['aws-kms', 'arn:aws:s3:::bucket'],
    ['aws-kms', 'arn:aws:kms:evil.example/#:123456789012:key/one'],
    ['gcp-kms', 'projects/p/locations/l/keyRings/r'],
    ['gcp-kms', 'http://example.com/v1/projects/p/locations/l/keyRings/r/cryptoKeys/k'],
    ['azure-key-vault', 'https://name.vault.azure.net/keys/name'],
    ['azure-key-vault', 'http://name.vault.azure.net/keys/name/0123456789abcdef0123456789abcdef'],
    ['vault-transit', ''],
  ])('%s:%s', (source, location) => {
    const fault = faultOf(`v1:${source}:${location}`);
    expect(fault).toMatch(/ENCRYPTION_KEYS: key 1 \(v1\) names no key of /);
    if (location !== '') expect(fault).not.toContain(location);
  });
});

test('http is accepted for an agent on this machine', () => {
  expect(faultOf('v1:vault-transit:http://127.0.0.1:8200/transit/keys/name')).toBe('');
  expect(faultOf('v1:vault-transit:http://localhost.example.com/transit/keys/name')).toContain('names no key');
});

test('an unknown source, a wrong id and a repeated id are refused', () => {
  expect(faultOf(`v1:other:place`)).toContain('key 1 is not of the form id:base64 or id:source:location');
  expect(faultOf(`v 1:aws-kms:arn:aws:kms:r:123456789012:key/k`)).toContain('key 1 has an id other than');
  expect(faultOf(`${local},k1:vault-transit:https://vault/transit/keys/n`)).toContain('key 2 repeats the id k1');
});

test('variables of other programs stop no start', () => {
  expect(faultOf(local, { AWS_SECRET_ACCESS_KEY: ' "x" ', VAULT_TOKEN: 'a b', AZURE_TENANT_ID: '\n' })).toBe('');
});
