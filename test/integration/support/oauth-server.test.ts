import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createBrowser } from '../../support/browser/browser.ts';
import { type OAuthServer, startOAuthServer } from '../../support/oauth-server/server.ts';
import { type Person, signIn } from '../../support/oauth-server/sign-in.ts';

let server: OAuthServer;
let client: { clientId: string; clientSecret: string };
const redirectUri = 'http://127.0.0.1:9/callback/test';

beforeAll(async () => {
  server = await startOAuthServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  client = await server.registerClient({ redirect_uris: [redirectUri] });
});

const toClient = (url: URL) => url.href.startsWith(redirectUri);

function authorizeUrl(verifier: string | null, parameters: Record<string, string> = {}): string {
  const url = new URL(server.endpoints.authorization);
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: redirectUri,
    scope: 'openid offline_access',
    prompt: 'consent',
    state: 'chosen-by-the-client',
    ...(verifier === null
      ? {}
      : { code_challenge_method: 'S256', code_challenge: createHash('sha256').update(verifier).digest('base64url') }),
    ...parameters,
  }).toString();
  return url.href;
}

async function walk(person: Person, verifier = randomBytes(32).toString('base64url')) {
  const page = await signIn(createBrowser(), authorizeUrl(verifier), person, toClient);
  return { page, verifier, answer: page.location?.searchParams ?? new URLSearchParams() };
}

async function postToken(parameters: Record<string, string>) {
  const response = await fetch(server.endpoints.token, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}` },
    body: new URLSearchParams(parameters),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string | undefined> };
}

async function connect(login: string) {
  const { answer, verifier } = await walk({ login });
  return postToken({
    grant_type: 'authorization_code',
    code: answer.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
}

const userinfo = async (token: string | undefined) =>
  (await fetch(server.endpoints.userinfo, { headers: { authorization: `Bearer ${token}` } })).status;

describe('the authorization server of the tests', () => {
  test('a person who signs in and consents sends the client a code that buys a working token', async () => {
    const { status, body } = await connect('ada');
    expect(status).toBe(200);
    expect(await userinfo(body.access_token)).toBe(200);
    expect(await server.accepts(body.access_token ?? '')).toBe(true);
    expect(body.refresh_token).toBeTypeOf('string');
  });

  test('the browser sees every hop, from the authorization endpoint to the client', async () => {
    const { page, answer } = await walk({ login: 'ada' });
    expect(page.hops.map((hop) => hop.method)).toEqual(['GET', 'GET', 'POST', 'GET', 'GET', 'POST', 'GET']);
    expect(answer.get('state')).toBe('chosen-by-the-client');
    expect(answer.get('iss')).toBe(server.issuer);
  });

  test.each(['deny', 'deny-login'] as const)('a refusal (%s) reaches the client as access_denied', async (decision) => {
    const { answer } = await walk({ login: 'ada', decision });
    expect(answer.get('error')).toBe('access_denied');
    expect(answer.has('code')).toBe(false);
  });

  test('an authorization request without PKCE is refused', async () => {
    const page = await createBrowser().open(authorizeUrl(null), toClient);
    expect(page.location?.searchParams.get('error')).toBe('invalid_request');
  });

  test('a refresh rotates the refresh token, and the old one kills the grant', async () => {
    const first = await connect('ada');
    const second = await postToken({ grant_type: 'refresh_token', refresh_token: first.body.refresh_token ?? '' });
    expect(second.status).toBe(200);
    expect(second.body.refresh_token).not.toBe(first.body.refresh_token);
    const reused = await postToken({ grant_type: 'refresh_token', refresh_token: first.body.refresh_token ?? '' });
    expect(reused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    expect(await userinfo(second.body.access_token)).toBe(401);
  });

  test('of two refreshes with one token that arrive together, one at most is answered with a token', async () => {
    const { body } = await connect('ada');
    const both = await Promise.all(
      [1, 2].map(() => postToken({ grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '' })),
    );
    expect(both.filter(({ status }) => status === 200).length).toBeLessThan(2);
  });

  test('tokens issued without a browser refresh like any other', async () => {
    const issued = await server.issueTokens(client.clientId, 'imported');
    expect(await userinfo(issued.accessToken)).toBe(200);
    const refreshed = await postToken({ grant_type: 'refresh_token', refresh_token: issued.refreshToken });
    expect(refreshed.status).toBe(200);
    expect(await userinfo(refreshed.body.access_token)).toBe(200);
  });

  test('lifetimes change for the next token, requests are counted by grant type', async () => {
    const before = server.countTokenRequests('client_credentials');
    server.setLifetimes({ accessTokenSeconds: 7 });
    const { body } = await postToken({ grant_type: 'client_credentials', scope: 'calendar' });
    server.setLifetimes({ accessTokenSeconds: 3600 });
    expect(body.expires_in).toBe(7);
    expect(await server.accepts(body.access_token ?? '')).toBe(true);
    expect(server.countTokenRequests('client_credentials')).toBe(before + 1);
    expect(server.tokenRequests.at(-1)).toEqual({
      grantType: 'client_credentials',
      clientId: client.clientId,
      status: 200,
    });
  });

  test('revocation takes the token away, and forgotten refresh tokens answer invalid_grant', async () => {
    const { body } = await connect('ada');
    await fetch(server.endpoints.revocation, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${client.clientId}:${client.clientSecret}`)}` },
      body: new URLSearchParams({ token: body.refresh_token ?? '' }),
    });
    expect(await userinfo(body.access_token)).toBe(401);
    const other = await connect('grace');
    server.forgetRefreshTokens();
    const refused = await postToken({ grant_type: 'refresh_token', refresh_token: other.body.refresh_token ?? '' });
    expect(refused.body.error).toBe('invalid_grant');
  });

  test('an outage answers 503, or nobody listens, and it ends', async () => {
    await server.setOutage('unavailable');
    expect(await userinfo('any')).toBe(503);
    await server.setOutage('refused');
    await expect(userinfo('any')).rejects.toThrow();
    await server.setOutage('none');
    expect(await userinfo('any')).toBe(401);
  });
});
