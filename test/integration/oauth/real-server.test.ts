import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TokenSet } from '../../../src/domain/grants/token-set.ts';
import type { OAuthClient, OAuthGateway } from '../../../src/domain/ports/oauth.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createOAuthGateway } from '../../../src/oauth/gateway.ts';
import { createCatalogue } from '../../../src/oauth/providers/catalogue.ts';
import { createGuardedHttp, type GuardedHttp } from '../../../src/outbound/guarded-http.ts';
import { createBrowser } from '../../support/browser/browser.ts';
import { type OAuthServer, startOAuthServer } from '../../support/oauth-server/server.ts';
import { signIn } from '../../support/oauth-server/sign-in.ts';
import { failureOf, plainCaller, plainSettings, refreshedTokens } from '../../support/provider/gateway-fixture.ts';

const redirectUri = 'http://127.0.0.1:9/callback/real';
let server: OAuthServer;
let http: GuardedHttp;
let gateway: OAuthGateway;

beforeAll(async () => {
  server = await startOAuthServer();
  http = createGuardedHttp({ allowPrivateNetwork: true, connectTimeoutMs: 2000 });
  gateway = createOAuthGateway({
    http,
    catalogue: createCatalogue(),
    retries: 0,
    callCapMs: 5000,
    probeTimeoutMs: 5000,
  });
});
afterAll(async () => {
  await http.close();
  await server.stop();
});

async function registered(variables: Record<string, string> = {}): Promise<OAuthClient> {
  const { clientId, clientSecret } = await server.registerClient({ redirect_uris: [redirectUri] });
  const settings = {
    ...plainSettings,
    provider: 'generic',
    clientId,
    variables,
    scopes: ['openid', 'offline_access'],
    authorizationUrl: `${server.issuer}/auth`,
    tokenUrl: `${server.issuer}/token`,
    revocationUrl: `${server.issuer}/token/revocation`,
    testUrl: `${server.issuer}/me`,
  };
  return { caller: plainCaller, settings, secrets: [new Secret(clientSecret)] };
}

/** Completes the authorization as a person and returns the parameters of the callback that the broker would receive. */
async function callbackOf(client: OAuthClient, codeVerifier: Secret | null): Promise<URLSearchParams> {
  const link = await gateway.authorizationUrl(client.settings, {
    state: 'the-state',
    redirectUri,
    scopes: client.settings.scopes,
    codeVerifier,
    loginHint: null,
    prompt: 'consent',
  });
  const end = await signIn(createBrowser(), link, { login: 'ada' }, (url) => url.href.startsWith(redirectUri));
  if (end.location === null) throw new Error(`the authorization ended at ${end.url.href} with ${end.status}`);
  return end.location.searchParams;
}

test.each([
  ['an unknown issuer', () => ({})],
  ['a known issuer', () => ({ issuer: server.issuer })],
])('a grant is authorized, refreshed, probed and revoked under %s', async (_, variables) => {
  const client = await registered(variables());
  expect(gateway.validate(client.settings)).toEqual([]);
  const codeVerifier = gateway.createCodeVerifier(client.settings);
  const parameters = await callbackOf(client, codeVerifier);
  expect(parameters.get('iss')).toBe(server.issuer);
  expect(gateway.readCallback(client.settings, parameters, 'the-state')).toEqual({ kind: 'code' });

  const first = await gateway.exchangeCode(client, {
    parameters,
    state: 'the-state',
    redirectUri,
    codeVerifier,
    scopes: client.settings.scopes,
  });
  expect(first).toMatchObject({ lifetimeSeconds: 3600, scopes: ['openid', 'offline_access'] });
  expect(await gateway.probe(client, first.tokens)).toMatchObject({ result: 'success', account: { id: 'ada' } });

  const second = refreshedTokens(await gateway.refresh(client, first.tokens, client.settings.scopes));
  expect(second.refreshToken?.reveal()).not.toBe(first.tokens.refreshToken?.reveal());
  expect(await gateway.probe(client, second)).toMatchObject({ result: 'success' });

  expect(await gateway.revoke(client, second)).toBe(true);
  expect(await gateway.probe(client, second)).toMatchObject({ result: 'failed', httpStatus: 401 });
  expect(await failureOf(gateway.refresh(client, second, []))).toMatchObject({
    class: 'reauthorization',
    answered: true,
  });
});

test('a callback with a wrong iss never reaches the token endpoint', async () => {
  const client = await registered({ issuer: server.issuer });
  const codeVerifier = gateway.createCodeVerifier(client.settings);
  const parameters = await callbackOf(client, codeVerifier);
  const before = server.tokenRequests.length;
  for (const iss of [`${server.issuer}/`, 'https://evil.example', null]) {
    const tampered = new URLSearchParams(parameters);
    if (iss === null) tampered.delete('iss');
    else tampered.set('iss', iss);
    const exchange = { parameters: tampered, state: 'the-state', redirectUri, codeVerifier, scopes: [] };
    expect(await failureOf(gateway.exchangeCode(client, exchange))).toMatchObject({ class: 'refused' });
  }
  expect(server.tokenRequests.length).toBe(before);
});

test('the code verifier of another authorization does not get the tokens', async () => {
  const client = await registered();
  const parameters = await callbackOf(client, gateway.createCodeVerifier(client.settings));
  const codeVerifier = gateway.createCodeVerifier(client.settings);
  const exchange = { parameters, state: 'the-state', redirectUri, codeVerifier, scopes: [] };
  expect(await failureOf(gateway.exchangeCode(client, exchange))).toMatchObject({
    class: 'reauthorization',
    oauthError: 'invalid_grant',
  });
});

test('client_credentials issues a token, and a wrong client secret is reported as invalid_client', async () => {
  const client = await registered();
  const response = await gateway.requestClientCredentials(client, []);
  expect(response).toMatchObject({ lifetimeSeconds: 3600, tokens: { refreshToken: null, tokenType: 'Bearer' } });
  const wrong: OAuthClient = { ...client, secrets: [new Secret('wrong')] };
  expect(await failureOf(gateway.requestClientCredentials(wrong, []))).toMatchObject({
    class: 'client',
    oauthError: 'invalid_client',
  });
  const rotated: OAuthClient = { ...client, secrets: [new Secret('wrong'), ...client.secrets] };
  expect((await gateway.requestClientCredentials(rotated, [])).tokens.accessToken.reveal()).toMatch(/./);
});

test('a second use of a rotated refresh token invalidates all later refresh tokens of the grant', async () => {
  const client = await registered();
  const issued = await server.issueTokens(client.settings.clientId, 'bob');
  const tokens: TokenSet = {
    accessToken: new Secret(issued.accessToken),
    refreshToken: new Secret(issued.refreshToken),
    tokenType: 'Bearer',
    extra: {},
  };
  const next = refreshedTokens(await gateway.refresh(client, tokens, []));
  expect(await failureOf(gateway.refresh(client, tokens, []))).toMatchObject({ class: 'reauthorization' });
  expect(await failureOf(gateway.refresh(client, next, []))).toMatchObject({ class: 'reauthorization' });
});
