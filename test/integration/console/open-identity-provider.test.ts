import { afterAll, beforeAll, expect, test } from 'vitest';
import { openConsoleIdentityProvider } from '../../../src/app/console/open-identity-provider.ts';
import { createLog } from '../../../src/app/log/log.ts';
import { loadConfig } from '../../../src/config.ts';
import { type Issuer, startIssuer } from '../../support/issuer/issuer.ts';

let issuer: Issuer;
let stack: AsyncDisposableStack;
beforeAll(async () => {
  issuer = await startIssuer();
  stack = new AsyncDisposableStack();
});
afterAll(async () => {
  await stack?.disposeAsync();
  await issuer?.close();
});

/** Opens the sign-in as a start with these variables does, with the lines that it logs. */
function open(issuerUrl: string, allowed: boolean) {
  const role = { value: 'admins', permissions: ['admin:read'], organizations: '*' };
  const config = loadConfig({
    CONSOLE_OIDC_ISSUER: issuerUrl,
    CONSOLE_OIDC_CLIENT_ID: 'broker',
    CONSOLE_OIDC_CLIENT_SECRET: 'a-secret-of-the-client',
    CONSOLE_OIDC_ROLES: JSON.stringify({ claim: 'groups', roles: [role], allow_private_network: allowed }),
  });
  const lines: string[] = [];
  const log = createLog('info', { write: (line) => lines.push(line) });
  const provider = openConsoleIdentityProvider(config, log, stack, {
    baseUrl: () => 'https://broker.example',
    now: () => new Date(),
  });
  if (provider === null) throw new Error('the sign-in is not configured');
  return { provider, logged: () => lines.map((line): unknown => JSON.parse(line)) };
}

test('without its variables there is no identity provider', () => {
  const parts = { baseUrl: () => 'https://broker.example', now: () => new Date() };
  expect(openConsoleIdentityProvider(loadConfig({}), createLog('silent'), stack, parts)).toBeNull();
});

test('an issuer on a private address is not called unless that is allowed', async () => {
  const { provider, logged } = open(issuer.origin.replace('http:', 'https:'), false);
  await expect(provider.begin()).rejects.toMatchObject({
    message: expect.stringContaining('may not be reached'),
    facts: { reason: 'unavailable' },
  });
  expect(issuer.requests).toEqual([]);
  expect(logged()).toEqual([
    expect.objectContaining({
      level: 'warn',
      msg: 'identity provider cannot be used',
      issuer: expect.any(String),
      detail: expect.stringContaining('may not be reached'),
    }),
  ]);
});

test.each<[what: string, answer: { status: number; headers?: Record<string, string>; body: unknown }]>([
  ['a redirect, which is not followed', { status: 302, headers: { location: '/elsewhere' }, body: '' }],
  ['a document that is not there', { status: 404, body: {} }],
  ['a status that HTTP does not have', { status: 799, body: {} }],
  ['a document without an end', { status: 200, body: `{"issuer":"${'x'.repeat(300_000)}"}` }],
])('the provider cannot be used with %s', async (_what, answer) => {
  issuer.state.discovery = answer;
  const { provider } = open(issuer.issuer, true);
  await expect(provider.begin()).rejects.toMatchObject({ facts: { reason: 'unavailable' } });
  expect(issuer.requests).not.toContain('/elsewhere');
});

test('a document without an endpoint for authorization is refused, and the secret is in no line', async () => {
  issuer.state.discovery = undefined;
  const { provider, logged } = open(issuer.issuer, true);
  await expect(provider.begin()).rejects.toMatchObject({ facts: { reason: 'unverified' } });
  expect(logged()).toEqual([expect.objectContaining({ level: 'info', msg: 'sign-in to the console refused' })]);
  expect(JSON.stringify(logged())).not.toContain('a-secret-of-the-client');
});
