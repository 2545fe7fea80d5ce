import { createHash } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import type { AuthorizationRequest } from '../../../../src/domain/ports/oauth.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import {
  type GatewayFixture,
  type GatewayFixtureOptions,
  startGateway,
} from '../../../support/provider/gateway-fixture.ts';

let open: GatewayFixture | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const plain: AuthorizationRequest = {
  state: 'st',
  redirectUri: 'https://broker.example/callback/x',
  scopes: [],
  codeVerifier: null,
  loginHint: null,
  prompt: null,
};

async function urlFor(options: GatewayFixtureOptions = {}, request: Partial<AuthorizationRequest> = {}): Promise<URL> {
  open = await startGateway(options);
  return new URL(await open.gateway.authorizationUrl(open.settings, { ...plain, ...request }));
}

test('an authorization URL has the parameters of RFC 6749 §4.1.1', async () => {
  const url = await urlFor({}, { scopes: ['a', 'b'] });
  expect(url.pathname).toBe('/authorize');
  expect(Object.fromEntries(url.searchParams)).toEqual({
    response_type: 'code',
    client_id: 'client',
    redirect_uri: plain.redirectUri,
    state: 'st',
    scope: 'a b',
  });
  expect(url.search).toContain('scope=a%20b');
});

test('an authorization URL contains the S256 code challenge and never the code verifier', async () => {
  const fixture = await startGateway();
  open = fixture;
  const codeVerifier = fixture.gateway.createCodeVerifier(fixture.settings);
  if (codeVerifier === null) throw new Error('no verifier');
  expect(codeVerifier.reveal()).toMatch(/^[A-Za-z0-9_-]{43,128}$/);
  const url = new URL(await fixture.gateway.authorizationUrl(fixture.settings, { ...plain, codeVerifier }));
  expect(url.searchParams.get('code_challenge')).toBe(
    createHash('sha256').update(codeVerifier.reveal()).digest('base64url'),
  );
  expect(url.searchParams.get('code_challenge_method')).toBe('S256');
  expect(url.href).not.toContain(codeVerifier.reveal());
});

test('no code verifier is created for a provider without PKCE', async () => {
  open = await startGateway({ template: { pkce: false } });
  expect(open.gateway.createCodeVerifier(open.settings)).toBeNull();
});

test("an authorization URL uses the template's scope separator and its parameters with variables", async () => {
  const url = await urlFor(
    {
      template: {
        scopeSeparator: ',',
        variables: { org: { pattern: '^[a-z]+$', default: 'acme', description: 'Org.' } },
        authorizeParams: { access_type: 'offline', hd: '{org}' },
      },
    },
    { scopes: ['x', 'y'] },
  );
  expect(Object.fromEntries(url.searchParams)).toMatchObject({ scope: 'x,y', access_type: 'offline', hd: 'acme' });
});

test('parameters of the connection replace those of the template, and protocol parameters replace all', async () => {
  const url = await urlFor(
    {
      template: { authorizeParams: { a: 'template', b: 'template', prompt: 'template', state: 'template' } },
      settings: {
        authorizeParams: {
          b: 'connection',
          login_hint: 'connection',
          client_id: 'evil',
          redirect_uri: 'https://evil.example',
          code_challenge: 'evil',
          resource: 'https://api.example',
        },
      },
    },
    { loginHint: 'someone@example.com', prompt: 'consent', codeVerifier: new Secret('v'.repeat(43)) },
  );
  const sent = Object.fromEntries(url.searchParams);
  expect(sent).toMatchObject({
    a: 'template',
    b: 'connection',
    prompt: 'consent',
    login_hint: 'someone@example.com',
    state: 'st',
    client_id: 'client',
    redirect_uri: plain.redirectUri,
    resource: 'https://api.example',
  });
  expect(sent.code_challenge).not.toBe('evil');
});

test('parameters of the configured authorization URL stay, except those that the protocol sets', async () => {
  const url = await urlFor({
    urls: () => ({ authorizationUrl: 'https://idp.example/auth?tenant=7&state=evil&client_id=evil' }),
  });
  expect(url.searchParams.getAll('state')).toEqual(['st']);
  expect(url.searchParams.getAll('client_id')).toEqual(['client']);
  expect(url.searchParams.get('tenant')).toBe('7');
});

test('the template renames and drops parameters of the authorization URL', async () => {
  const url = await urlFor(
    { template: { renamedParams: { client_id: 'client_key', scope: null } } },
    { scopes: ['a'] },
  );
  expect(url.searchParams.get('client_key')).toBe('client');
  expect(url.searchParams.has('client_id')).toBe(false);
  expect(url.searchParams.has('scope')).toBe(false);
});

test('the template can put the authorization parameters into the fragment', async () => {
  const url = await urlFor({
    template: { authorizeParamsIn: 'fragment' },
    urls: () => ({ authorizationUrl: 'https://idp.example/#/oauth' }),
  });
  expect(url.search).toBe('');
  expect(url.hash.startsWith('#/oauth?')).toBe(true);
  expect(new URLSearchParams(url.hash.split('?')[1]).get('state')).toBe('st');
});

test('a value stays unencoded only if it cannot add another parameter', async () => {
  const template = { unencodedParams: ['scope'], scopeSeparator: ',' };
  expect((await urlFor({ template }, { scopes: ['read:all', 'write:all'] })).search).toContain(
    'scope=read:all,write:all',
  );
  await open?.close();
  expect((await urlFor({ template }, { scopes: ['a&state=evil', 'b#c'] })).searchParams.getAll('state')).toEqual([
    'st',
  ]);
});
