import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { ConfigurationError, loadConfig } from '../../../src/config.ts';

const secret = 'hunter2hunter2';
const role = { value: 'platform-team', permissions: ['admin:read'], organizations: '*', global: true };
const roles = { claim: 'groups', roles: [role] };
const env = {
  CONSOLE_OIDC_ISSUER: 'https://id.example/realms/acme',
  CONSOLE_OIDC_CLIENT_ID: 'broker',
  CONSOLE_OIDC_CLIENT_SECRET: secret,
  CONSOLE_OIDC_ROLES: JSON.stringify(roles),
};

function faultsOf(changes: Record<string, string | undefined>): string[] {
  try {
    loadConfig({ ...env, ...changes });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(error.message).not.toContain(secret);
    return error.faults.map(({ variable, message }) => `${variable}: ${message}`);
  }
}

test('the sign-in is read with its defaults, and absent without its variables', () => {
  const { consoleSignIn } = loadConfig(env);
  expect(consoleSignIn).toMatchObject({
    issuer: env.CONSOLE_OIDC_ISSUER,
    clientId: 'broker',
    claim: 'groups',
    roles: [{ ...role, connections: null, rateLimitPerMinute: null }],
    scopes: ['openid', 'profile', 'email'],
    allowPrivateNetwork: false,
    caFile: null,
  });
  expect(consoleSignIn?.clientSecret.reveal()).toBe(secret);
  expect(inspect(consoleSignIn, { depth: 9 }) + JSON.stringify(consoleSignIn)).not.toContain(secret);
  expect(loadConfig({}).consoleSignIn).toBeNull();
});

test.each(Object.keys(env))('%s is required with the others', (variable) => {
  const other = Object.keys(env).find((name) => name !== variable);
  expect(faultsOf({ [variable]: undefined })).toEqual([`${variable}: is required with ${other}`]);
});

test('one variable alone names the three that are missing', () => {
  const alone = Object.fromEntries(Object.keys(env).map((name) => [name, undefined]));
  expect(faultsOf({ ...alone, CONSOLE_OIDC_CLIENT_ID: 'broker' })).toHaveLength(3);
});

test.each<[place: string, value: object]>([
  ['at claim', { ...roles, claim: '' }],
  ['at roles', { ...roles, roles: [] }],
  ['at roles.0.value', { ...roles, roles: [{ ...role, value: '' }] }],
  ['at roles.0.value', { ...roles, roles: [{ ...role, value: '**' }] }],
  ['at roles.1.value', { ...roles, roles: [role, role] }],
  ['at roles.0.permissions.0', { ...roles, roles: [{ ...role, permissions: ['everything'] }] }],
  ['at roles.0.organizations', { ...roles, roles: [{ ...role, organizations: [], global: false }] }],
  ['at roles.0', { ...roles, roles: [{ ...role, admin: true }] }],
  ['at scopes', { ...roles, scopes: ['profile'] }],
  ['at scopes.1', { ...roles, scopes: ['openid', 'a b'] }],
  ['at ca_file', { ...roles, ca_file: '/nowhere/ca.pem' }],
  ['at allow_private_network', { ...roles, allow_private_network: 'yes' }],
])('a fault %s is named by its place', (place, value) => {
  expect(faultsOf({ CONSOLE_OIDC_ROLES: JSON.stringify(value) })).toEqual([
    expect.stringContaining(`CONSOLE_OIDC_ROLES: ${place}: `),
  ]);
});

test.each(['{', secret])('roles that are no JSON are refused with one message', (text) => {
  expect(faultsOf({ CONSOLE_OIDC_ROLES: text })).toEqual(['CONSOLE_OIDC_ROLES: must be JSON']);
});

test.each([
  ['no URL', 'id.example'],
  ['no web URL', 'ftp://id.example'],
  ['a URL with a query', 'https://id.example?x'],
  ['a URL with a fragment', 'https://id.example#x'],
  ['a URL with a password', `https://u:${secret}@id.example`],
  ['too long', `https://id.example/${'a'.repeat(500)}`],
  ['a URL over http', 'http://id.example'],
])('an issuer that is %s is refused with one message', (_what, issuer) => {
  expect(faultsOf({ CONSOLE_OIDC_ISSUER: issuer })).toEqual([expect.stringMatching(/^CONSOLE_OIDC_ISSUER: must /)]);
});

test('an issuer over http is allowed with allow_private_network', () => {
  const allowed = { ...roles, allow_private_network: true };
  expect(faultsOf({ CONSOLE_OIDC_ISSUER: 'http://id.example', CONSOLE_OIDC_ROLES: JSON.stringify(allowed) })).toEqual(
    [],
  );
});
