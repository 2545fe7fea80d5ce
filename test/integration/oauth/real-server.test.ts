import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OAuthClient, OAuthGateway } from '../../../src/domain/ports/oauth.ts';
import { Secret } from '../../../src/domain/secret.ts';
import type { TokenSet } from '../../../src/domain/token-set.ts';
import { createCatalogue } from '../../../src/oauth/catalogue.ts';
import { createOAuthGateway } from '../../../src/oauth/gateway.ts';
import { createGuardedHttp, type GuardedHttp } from '../../../src/oauth/guarded-http.ts';
import { createBrowser } from '../../support/browser.ts';
import { failureOf, plainSettings } from '../../support/gateway-fixture.ts';
import { type OAuthServer, startOAuthServer } from '../../support/oauth-server.ts';
import { signIn } from '../../support/sign-in.ts';

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
  return { settings, secrets: [new Secret(clientSecret)] };
}

/** A person's trip, up to the callback that would reach the broker. */
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
  if (end.location === null) throw new Error(`the trip ended at ${end.url.href} with ${end.status}`);
  return end.location.searchParams;
}

test.each([
  ['an unknown issuer', () => ({})],
  ['a known issuer', () => ({ issuer: server.issuer })],
])('the whole life of a grant, under %s', async (_, variables) => {
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

  const second = await gateway.refresh(client, first.tokens, client.settings.scopes);
  expect(second.tokens.refreshToken?.reveal()).not.toBe(first.tokens.refreshToken?.reveal());
  expect(await gateway.probe(client, second.tokens)).toMatchObject({ result: 'success' });

  expect(await gateway.revoke(client, second.tokens)).toBe(true);
  expect(await gateway.probe(client, second.tokens)).toMatchObject({ result: 'failed', httpStatus: 401 });
  expect(await failureOf(gateway.refresh(client, second.tokens, []))).toMatchObject({
    class: 'reauthorization',
    answered: true,
  });
});

test('a callback with another iss is refused before the code is spent', async () => {
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

test('a verifier of another trip does not get the tokens', async () => {
  const client = await registered();
  const parameters = await callbackOf(client, gateway.createCodeVerifier(client.settings));
  const codeVerifier = gateway.createCodeVerifier(client.settings);
  const exchange = { parameters, state: 'the-state', redirectUri, codeVerifier, scopes: [] };
  expect(await failureOf(gateway.exchangeCode(client, exchange))).toMatchObject({
    class: 'reauthorization',
    oauthError: 'invalid_grant',
  });
});

test('client_credentials, and a wrong secret', async () => {
  const client = await registered();
  const answer = await gateway.requestClientCredentials(client, []);
  expect(answer).toMatchObject({ lifetimeSeconds: 3600, tokens: { refreshToken: null, tokenType: 'Bearer' } });
  const wrong: OAuthClient = { ...client, secrets: [new Secret('wrong')] };
  expect(await failureOf(gateway.requestClientCredentials(wrong, []))).toMatchObject({
    class: 'client',
    oauthError: 'invalid_client',
  });
  const rotated: OAuthClient = { ...client, secrets: [new Secret('wrong'), ...client.secrets] };
  expect((await gateway.requestClientCredentials(rotated, [])).tokens.accessToken.reveal()).toMatch(/./);
});

test('a refresh token that was used twice dies with its whole family', async () => {
  const client = await registered();
  const issued = await server.issueTokens(client.settings.clientId, 'bob');
  const tokens: TokenSet = {
    accessToken: new Secret(issued.accessToken),
    refreshToken: new Secret(issued.refreshToken),
    tokenType: 'Bearer',
    extra: {},
  };
  const next = await gateway.refresh(client, tokens, []);
  expect(await failureOf(gateway.refresh(client, tokens, []))).toMatchObject({ class: 'reauthorization' });
  expect(await failureOf(gateway.refresh(client, next.tokens, []))).toMatchObject({ class: 'reauthorization' });
});
