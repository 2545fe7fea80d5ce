import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError, loadConfig } from '../../../src/config.ts';
import { selfSigned } from '../../support/provider/hostile-provider.ts';

const secret = 'hunter2';
const rule = { claims: { sub: 'repo:acme/*' }, permissions: ['credentials:read'], organizations: ['acme'] };
const issuer = { issuer: 'https://issuer.example', audiences: ['broker'], rules: [rule] };

function faultsOf(value: unknown): string[] {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  try {
    loadConfig({ TRUSTED_ISSUERS: text });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(error.message).not.toContain(secret);
    return error.faults.map(({ variable, message }) => `${variable}: ${message}`);
  }
}

const withRule = (changes: object) => ({ rules: [{ ...rule, ...changes }] });

describe('a fault is named by its place, and no value is repeated', () => {
  test.each<[what: string, value: unknown, message: string]>([
    ['text that is no JSON', `[{${secret}`, 'must be JSON'],
    ['an object instead of a list', issuer, 'expected array'],
    ['a text in the list', ['https://issuer.example'], 'at 0: '],
    ['null', null, 'expected array'],
  ])('%s', (_what, value, message) => {
    expect(faultsOf(value)).toEqual([expect.stringContaining(message)]);
  });

  test.each<[place: string, changes: object]>([
    ['issuer', { issuer: undefined }],
    ['issuer', { issuer: '' }],
    ['issuer', { issuer: 'issuer.example' }],
    ['issuer', { issuer: 'http://issuer.example' }],
    ['issuer', { issuer: 'ftp://issuer.example', allow_private_network: true }],
    ['issuer', { issuer: `https://user:${secret}@issuer.example` }],
    ['issuer', { issuer: 'https://issuer.example?tenant=1' }],
    ['issuer', { issuer: 'https://issuer.example#' }],
    ['issuer', { issuer: `https://issuer.example/${'a'.repeat(500)}` }],
    ['issuer', { issuer: 7 }],
    ['audiences', { audiences: undefined }],
    ['audiences', { audiences: [] }],
    ['audiences', { audiences: 'broker' }],
    ['audiences.0', { audiences: [''] }],
    ['jwks_uri', { jwks_uri: 'http://issuer.example/keys' }],
    ['jwks_uri', { jwks_uri: `https://user:${secret}@issuer.example/keys` }],
    ['algorithms', { algorithms: [] }],
    ['algorithms.0', { algorithms: ['none'] }],
    ['algorithms.1', { algorithms: ['RS256', 'HS256'] }],
    ['allow_private_network', { allow_private_network: 'yes' }],
    ['ca_file', { ca_file: '/nowhere/ca.pem' }],
    ['ca_file', { ca_file: '' }],
    ['rules', { rules: undefined }],
    ['rules', { rules: [] }],
    ['rules.0.claims', withRule({ claims: {} })],
    ['rules.0.claims', withRule({ claims: { sub: '*' } })],
    ['rules.0.claims', withRule({ claims: { sub: '**', aud: '*' } })],
    ['rules.0.claims', withRule({ claims: { sub: '' } })],
    ['rules.0.claims.admin', withRule({ claims: { admin: true } })],
    ['rules.0.permissions', withRule({ permissions: [] })],
    ['rules.0.permissions.0', withRule({ permissions: ['everything'] })],
    ['rules.0.organizations', withRule({ organizations: [] })],
    ['rules.0.organizations', withRule({ organizations: 'acme' })],
    ['rules.0.organizations', withRule({ organizations: undefined, global: true })],
    ['rules.0.organizations', withRule({ organizations: ['a b'] })],
    ['rules.0.connections', withRule({ connections: [] })],
    ['rules.0.connections.0', withRule({ connections: ['crm/*'] })],
    ['rules.0.rate_limit_per_minute', withRule({ rate_limit_per_minute: 0 })],
    ['rules.0.rate_limit_per_minute', withRule({ rate_limit_per_minute: 1.5 })],
  ])('%s of %j', (place, changes) => {
    const faults = faultsOf([{ ...issuer, ...changes }]);
    expect(faults.length).toBeGreaterThan(0);
    for (const fault of faults) expect(fault).toMatch(new RegExp(`^TRUSTED_ISSUERS: at 0\\.${place}[.:]`));
  });

  test.each<[place: string, changes: object]>([
    ['0', { audience: 'broker' }],
    ['0.rules.0', withRule({ organisation: 'acme' })],
  ])('an unknown member at %s', (place, changes) => {
    expect(faultsOf([{ ...issuer, ...changes }])).toEqual([expect.stringContaining(`at ${place}`)]);
  });

  test('an issuer that is there twice', () => {
    const other = { ...issuer, issuer: 'https://other.example' };
    expect(faultsOf([issuer, other, issuer])).toEqual(['TRUSTED_ISSUERS: at 2.issuer: is there more than once']);
  });

  test('every fault of every issuer', () => {
    const faults = faultsOf([
      { ...issuer, audiences: [] },
      { ...issuer, issuer: 'x', rules: [] },
    ]);
    for (const place of ['0.audiences', '1.rules'])
      expect(faults).toContainEqual(expect.stringContaining(`at ${place}`));
  });
});

describe('ca_file', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ca-'));
    writeFileSync(join(folder, 'ca.pem'), selfSigned.cert);
    writeFileSync(join(folder, 'nonsense.pem'), secret);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('with a certificate is taken', () => {
    expect(faultsOf([{ ...issuer, ca_file: join(folder, 'ca.pem') }])).toEqual([]);
  });

  test.each([
    ['nonsense.pem', 'holds no certificate in PEM'],
    ['absent.pem', 'cannot be read (ENOENT)'],
    ['', 'cannot be read (EISDIR)'],
  ])('%s: %s', (name, message) => {
    expect(faultsOf([{ ...issuer, ca_file: join(folder, name) }])).toEqual([expect.stringContaining(message)]);
  });
});

test('http is allowed for an issuer on a private network', () => {
  const changes = {
    issuer: 'http://issuer.internal',
    jwks_uri: 'http://issuer.internal/keys',
    allow_private_network: true,
  };
  expect(faultsOf([{ ...issuer, ...changes }])).toEqual([]);
});
