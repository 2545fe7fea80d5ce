import { generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fetchOver } from '../../../src/app/console/open-identity-provider.ts';
import { createIdentityProvider } from '../../../src/console/sign-in/identity-provider.ts';
import { SignInFailure } from '../../../src/console/sign-in/sign-in-failure.ts';
import type { Transaction } from '../../../src/console/sign-in/transaction-cookie.ts';
import type { ConsoleRole } from '../../../src/domain/callers/console-role.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createGuardedHttp, type GuardedHttp } from '../../../src/outbound/guarded-http.ts';
import { createBrowser } from '../../support/browser/browser.ts';
import { makeKey, type SigningKey } from '../../support/issuer/issuer.ts';
import { type OAuthServer, startOAuthServer } from '../../support/oauth-server/server.ts';
import { signIn } from '../../support/oauth-server/sign-in.ts';

const baseUrl = 'https://broker.example/oauth';
const redirectUri = `${baseUrl}/console/sign-in/callback`;
const markup = '<img src=x onerror=alert(1)>';
const groups: Record<string, unknown> = {
  ada: ['staff', 'platform-team'],
  tim: [markup, 'staff\u0000\u202e', 7],
  huge: 'z'.repeat(200_000),
  endless: 'z'.repeat(10_000_000),
};

let inUserinfo: OAuthServer;
let inIdToken: OAuthServer;
let http: GuardedHttp;
beforeAll(async () => {
  const groupsOf = (id: string) => groups[id];
  inUserinfo = await startOAuthServer({}, { accounts: { groupsOf } });
  inIdToken = await startOAuthServer({}, { accounts: { groupsOf, claimsIn: 'id_token' } });
  http = createGuardedHttp({ allowPrivateNetwork: true, connectTimeoutMs: 3000, proxy: null });
});
afterAll(async () => {
  await http?.close();
  await inUserinfo?.stop();
  await inIdToken?.stop();
});

type Fetch = ReturnType<typeof fetchOver>;
const role: ConsoleRole = {
  value: 'platform-*',
  permissions: ['admin:read'],
  organizations: '*',
  global: true,
  connections: null,
  rateLimitPerMinute: null,
};

/** A client of the server. `around` may change what the server answers; `secret` replaces the secret of the client. */
async function openScene(server: OAuthServer, { around = (fetch: Fetch) => fetch, secret = '' } = {}) {
  const client = await server.registerClient({ redirect_uris: [redirectUri] });
  const requests: string[] = [];
  const failures: SignInFailure[] = [];
  const provider = createIdentityProvider({
    settings: {
      issuer: server.issuer,
      clientId: client.clientId,
      clientSecret: new Secret(secret || client.clientSecret),
      scopes: ['openid', 'profile', 'email'],
      claim: 'groups',
      roles: [role],
      allowPrivateNetwork: true,
      caFile: null,
    },
    fetch: around((url, options) => {
      requests.push(new URL(url).pathname);
      return fetchOver(http)(url, options);
    }),
    baseUrl: () => baseUrl,
    now: () => new Date(),
    onFailed: (failure) => failures.push(failure),
  });
  return {
    client,
    provider,
    requests,
    failures,
    /** Signs in at the server and returns the URL that it sends the browser to. */
    async respond(login: string, decision: 'approve' | 'deny' = 'approve') {
      const { url, transaction } = await provider.begin();
      const back = (next: URL) => next.href.startsWith(redirectUri);
      const { location } = await signIn(createBrowser(), url.href, { login, decision }, back);
      if (location === null) throw new Error('the server sent the browser nowhere');
      return { url, response: location, transaction };
    },
  };
}

async function failureOf(work: Promise<unknown>): Promise<SignInFailure> {
  const error = await work.catch((reason: unknown) => reason);
  if (!(error instanceof SignInFailure)) throw new Error('the sign-in did not fail as expected', { cause: error });
  expect(error.cause).toBeUndefined();
  return error;
}

describe('a person signs in', () => {
  test('with groups in the ID token, and the userinfo endpoint is not called', async () => {
    const scene = await openScene(inIdToken);
    const { url, response, transaction } = await scene.respond('ada');
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: scene.client.clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid profile email groups',
      state: transaction.state,
      nonce: transaction.nonce,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    const person = await scene.provider.finish(response, transaction);
    expect(person).toMatchObject({ issuer: inIdToken.issuer, subject: 'ada', name: 'Account ada', role });
    expect(scene.requests).toEqual(['/.well-known/openid-configuration', '/token', '/jwks']);
    await scene.respond('ada');
    expect(scene.requests).toHaveLength(3);
  });

  test('with groups that only the userinfo endpoint has', async () => {
    const scene = await openScene(inUserinfo);
    const { response, transaction } = await scene.respond('ada');
    // A proxy changes origin and path of the URL that the process sees.
    const seen = new URL(`http://10.0.0.7:8080/console/sign-in/callback${response.search}`);
    const person = await scene.provider.finish(seen, transaction);
    expect(person).toMatchObject({ subject: 'ada', name: 'Account ada', role, claims: { groups: groups.ada } });
    expect(scene.requests).toContain('/me');
  });
});

describe('a response that belongs to another sign-in', () => {
  test('with another state is refused before anything is sent', async () => {
    const scene = await openScene(inIdToken);
    const { response, transaction } = await scene.respond('ada');
    const before = scene.requests.length;
    for (const change of [
      (url: URL) => url.searchParams.append('state', 'x'),
      (url: URL) => url.searchParams.delete('state'),
    ]) {
      const changed = new URL(response);
      change(changed);
      expect((await failureOf(scene.provider.finish(changed, transaction))).facts).toEqual({
        reason: 'state_mismatch',
      });
    }
    const { transaction: other } = await scene.provider.begin();
    expect((await failureOf(scene.provider.finish(response, other))).facts).toEqual({ reason: 'state_mismatch' });
    expect(scene.requests).toHaveLength(before);
    await scene.provider.finish(response, transaction);
  });

  test('with the nonce or the code verifier of another sign-in is refused', async () => {
    const scene = await openScene(inIdToken);
    const [first, second] = [await scene.respond('ada'), await scene.respond('ada')];
    const other = await scene.provider.begin();
    const withNonce: Transaction = { ...first.transaction, nonce: other.transaction.nonce };
    expect((await failureOf(scene.provider.finish(first.response, withNonce))).facts).toEqual({
      reason: 'unverified',
      check: 'nonce',
    });
    const withVerifier: Transaction = { ...second.transaction, codeVerifier: other.transaction.codeVerifier };
    expect((await failureOf(scene.provider.finish(second.response, withVerifier))).facts).toMatchObject({
      reason: 'refused',
      oauthError: 'invalid_grant',
    });
  });

  test('that came before is refused by this process, and its code by the provider', async () => {
    const scene = await openScene(inIdToken);
    const { response, transaction } = await scene.respond('ada');
    await scene.provider.finish(response, transaction);
    expect((await failureOf(scene.provider.finish(response, transaction))).facts.reason).toBe('state_mismatch');
    const { transaction: next } = await scene.provider.begin();
    const replayed = new URL(response);
    replayed.searchParams.set('state', next.state);
    expect((await failureOf(scene.provider.finish(replayed, next))).facts).toMatchObject({
      reason: 'refused',
      oauthError: 'invalid_grant',
    });
  });
});

describe('an ID token', () => {
  const making = makeKey('RS256');

  /** Replaces the ID token by one with these changes, signed by `signer`. The server has the key `making` alone. */
  const issuing = (changes: object, signer?: () => Promise<SigningKey['privateKey']>) => (fetch: Fetch) => {
    return async (...args: Parameters<Fetch>): Promise<Response> => {
      const [key, { pathname }] = [await making, new URL(args[0])];
      if (pathname === '/jwks') return Response.json({ keys: [key.jwk] });
      const response = await fetch(...args);
      if (pathname !== '/token' || !response.ok) return response;
      const body = (await response.json()) as { id_token: string };
      const payload = JSON.parse(Buffer.from(body.id_token.split('.')[1] ?? '', 'base64url').toString());
      const signed = new SignJWT({ ...payload, ...changes }).setProtectedHeader({ alg: 'RS256', kid: key.kid });
      return Response.json({ ...body, id_token: await signed.sign(signer ? await signer() : key.privateKey) });
    };
  };

  test.each<[what: string, changes: object, check: string | null]>([
    ['without a change is accepted', {}, null],
    ['that has expired is refused', { exp: 1_000_000_000 }, 'exp'],
    ['for another client is refused', { aud: 'another' }, 'aud'],
    ['of another issuer is refused', { iss: 'https://other.example' }, 'iss'],
    ['with a subject that is too long is refused', { sub: 'x'.repeat(256) }, 'sub'],
  ])('%s', async (_what, changes, check) => {
    const scene = await openScene(inIdToken, { around: issuing(changes) });
    const { response, transaction } = await scene.respond('ada');
    const work = scene.provider.finish(response, transaction);
    if (check === null) return void (await work);
    const failure = await failureOf(work);
    expect(failure.facts).toEqual({ reason: 'unverified', check });
    expect(scene.failures).toEqual([failure]);
  });

  test('that another key has signed is refused', async () => {
    const another = async () => (await generateKeyPair('RS256')).privateKey;
    const scene = await openScene(inIdToken, { around: issuing({}, another) });
    const { response, transaction } = await scene.respond('ada');
    expect((await failureOf(scene.provider.finish(response, transaction))).facts.reason).toBe('unverified');
  });
});

describe('a provider that is down', () => {
  test('is named, and the next sign-in works as soon as it is back', async () => {
    const server = await startOAuthServer({}, { accounts: { groupsOf: () => 'platform-team' } });
    try {
      const scene = await openScene(server);
      for (const outage of ['refused', 'unavailable'] as const) {
        await server.setOutage(outage);
        const failure = await failureOf(scene.provider.begin());
        expect(failure.facts).toEqual({ reason: 'unavailable' });
        expect(failure.message).toMatch(outage === 'refused' ? /refused the connection/ : /status 503/);
      }
      await server.setOutage('none');
      const { response, transaction } = await scene.respond('ada');
      await server.setOutage('unavailable');
      expect((await failureOf(scene.provider.finish(response, transaction))).facts.reason).toBe('unavailable');
    } finally {
      await server.stop();
    }
  });

  test('or names another issuer is refused', async () => {
    const around = (fetch: Fetch) => async (url: string, options: Parameters<Fetch>[1]) => {
      const body = (await (await fetch(url, options)).json()) as object;
      return Response.json({ ...body, issuer: 'https://other.example' });
    };
    const scene = await openScene(inIdToken, { around });
    expect((await failureOf(scene.provider.begin())).facts.reason).toBe('unverified');
  });
});

describe('a refusal', () => {
  test('of the person names the error of the provider', async () => {
    const scene = await openScene(inIdToken);
    const { response, transaction } = await scene.respond('ada', 'deny');
    expect((await failureOf(scene.provider.finish(response, transaction))).facts).toEqual({
      reason: 'refused',
      oauthError: 'access_denied',
      description: 'The person denied access.',
    });
  });

  test('of the client names the error and not the secret', async () => {
    const secret = 'a-secret-that-the-server-does-not-know';
    const scene = await openScene(inIdToken, { secret });
    const { response, transaction } = await scene.respond('ada');
    const failure = await failureOf(scene.provider.finish(response, transaction));
    expect(failure.facts).toMatchObject({ reason: 'refused', oauthError: 'invalid_client' });
    expect(JSON.stringify(failure.facts) + failure.message).not.toContain(secret);
  });
});

describe('a person without a role', () => {
  test('learns which claims came, as printable text without tokens', async () => {
    const scene = await openScene(inIdToken);
    const { response, transaction } = await scene.respond('tim');
    const { facts } = await failureOf(scene.provider.finish(response, transaction));
    if (facts.reason !== 'no_role') throw new Error(`the reason is ${facts.reason}`);
    expect(facts).toMatchObject({ issuer: inIdToken.issuer, subject: 'tim', name: 'Account tim' });
    expect(facts.received).toMatchObject({ claim: 'groups', values: [markup, 'staff'], omitted: 0 });
    expect(facts.received.names).toEqual(expect.arrayContaining(['email', 'groups', 'name', 'sub']));
    expect(JSON.stringify(facts)).not.toMatch(/eyJ/);
  });

  test('is told of a claim with 200 kB in 200 characters', async () => {
    const scene = await openScene(inUserinfo);
    const { response, transaction } = await scene.respond('huge');
    const { facts } = await failureOf(scene.provider.finish(response, transaction));
    expect(facts).toMatchObject({ reason: 'no_role', received: { values: ['z'.repeat(200)] } });
  });

  test('has no part in an answer of 10 MB, which is not read', async () => {
    const scene = await openScene(inUserinfo);
    const { response, transaction } = await scene.respond('endless');
    const failure = await failureOf(scene.provider.finish(response, transaction));
    expect(failure.facts).toEqual({ reason: 'unavailable' });
    expect(failure.message).toContain('cannot be read');
  });
});
