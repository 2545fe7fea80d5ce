import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser } from '../support/browser/browser.ts';
import { addConnection, callbackUrl, openAuthorization, openScene, type Scene, tokenRequests } from './scene.ts';

describe('an authorization in a browser, under a base path', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ BASE_PATH: '/api/oauth' });
  });
  afterAll(() => scene?.close());

  const outcome = async (state: string) => (await scene.api.get(`/authorizations/${state}`)).body.status;
  const tokenRequestCount = () => tokenRequests(scene.provider);

  describe('the state is bound to the browser', () => {
    test('a callback from a browser without the cookie, or with a forged one, never reaches the token endpoint', async () => {
      const connection = await addConnection(scene);
      const authorization = await openAuthorization(scene, connection);
      const before = tokenRequestCount();
      const [cookie] = authorization.browser.cookies.all(new URL(authorization.link));
      const value = cookie?.value ?? '';
      const other = (character: string | undefined) => (character === 'A' ? 'B' : 'A');
      const first = `${other(value[0])}${value.slice(1)}`;
      const last = `${value.slice(0, -2)}${other(value.at(-2))}${value.at(-1)}`;
      const forged = ['x'.repeat(43), value.split('.')[0], first, last, ''];
      for (const attempt of [undefined, ...forged]) {
        const headers = attempt === undefined ? {} : { cookie: `${cookie?.name}=${attempt}` };
        expect((await authorization.sendCallback(undefined, createBrowser({ headers }))).status).toBe(400);
      }
      expect(tokenRequestCount()).toBe(before);
      expect(await outcome(authorization.state)).toBe('pending');
      expect((await authorization.sendCallback()).status).toBe(200);
    });

    test("a callback of the attacker's authorization is refused in a browser that holds the cookie of another one", async () => {
      const connection = await addConnection(scene);
      const attackers = await openAuthorization(scene, connection);
      const victims = await openAuthorization(scene, connection);
      const before = tokenRequestCount();
      const page = await attackers.sendCallback(undefined, victims.browser);
      expect(page.status).toBe(400);
      expect(tokenRequestCount()).toBe(before);
    });

    test('a callback with HEAD, OPTIONS, PUT, DELETE or PATCH sends no token request and leaves the state usable', async () => {
      const connection = await addConnection(scene);
      const authorization = await openAuthorization(scene, connection);
      const before = tokenRequestCount();
      for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH']) {
        const hop = await authorization.browser.send(
          method,
          callbackUrl(connection, { state: authorization.state, code: 'c' }),
        );
        expect(hop.status, method).toBe(method === 'HEAD' ? 200 : 405);
        expect(hop.body).not.toContain('Connected');
      }
      expect(tokenRequestCount()).toBe(before);
      expect((await authorization.sendCallback()).status).toBe(200);
    });
  });

  describe('a state is single use, on errors too', () => {
    test('a denial uses up the state: a later code is not exchanged', async () => {
      const authorization = await openAuthorization(scene, await addConnection(scene));
      const before = tokenRequestCount();
      expect((await authorization.sendCallback({ error: 'access_denied' })).body).toContain('Not connected');
      expect((await authorization.sendCallback()).body).toContain('Not connected');
      expect(tokenRequestCount()).toBe(before);
      expect(await outcome(authorization.state)).toBe('failed');
    });

    test('of 50 parallel callbacks with codes and denials one counts, and at most one token request is sent', async () => {
      const authorization = await openAuthorization(scene, await addConnection(scene));
      const before = tokenRequestCount();
      const hops = await Promise.all(
        Array.from({ length: 50 }, (_, at) =>
          authorization.sendCallback(at % 2 === 0 ? { code: `c${at}` } : { error: `x${at}` }),
        ),
      );
      const titles = new Set(hops.map(({ body }) => /<h1>([^<]*)/.exec(body)?.[1]));
      expect(titles.size).toBe(1);
      expect(await outcome(authorization.state)).not.toBe('pending');
      expect(tokenRequestCount() - before).toBeLessThanOrEqual(1);
    });

    test('states have 256 bits and are all different', async () => {
      const connection = await addConnection(scene);
      const states = await Promise.all(
        Array.from({ length: 20 }, async () => (await openAuthorization(scene, connection)).state),
      );
      expect(new Set(states).size).toBe(20);
      for (const state of states) expect(Buffer.from(state, 'base64url')).toHaveLength(32);
    });
  });

  describe('PKCE', () => {
    test('PKCE uses S256 and a new verifier for each authorization, which the browser never sees', async () => {
      const connection = await addConnection(scene);
      const challenges: (string | null)[] = [];
      for (const _ of [1, 2]) {
        const authorization = await openAuthorization(scene, connection);
        const { searchParams } = authorization.authorizationRequest;
        expect(searchParams.get('code_challenge_method')).toBe('S256');
        challenges.push(searchParams.get('code_challenge'));
        expect((await authorization.sendCallback()).status).toBe(200);
        const request = scene.provider.received.findLast(({ path }) => path === '/token');
        const verifier = new URLSearchParams(request?.body).get('code_verifier') ?? '';
        expect(createHash('sha256').update(verifier).digest('base64url')).toBe(challenges.at(-1));
        expect(authorization.authorizationRequest.href).not.toContain(verifier);
      }
      expect(new Set(challenges).size).toBe(2);
    });

    test('a callback from another browser is refused also at a provider without PKCE', async () => {
      const connection = await addConnection(scene, { body: { provider: withoutPkce } });
      const authorization = await openAuthorization(scene, connection);
      expect(authorization.authorizationRequest.searchParams.has('code_challenge')).toBe(false);
      const before = tokenRequestCount();
      expect((await authorization.sendCallback(undefined, createBrowser())).status).toBe(400);
      expect(tokenRequestCount()).toBe(before);
    });
  });

  describe('mix-up of providers', () => {
    test('a callback for one connection on the path of another is refused and does not use up the state', async () => {
      const a = await addConnection(scene, { organization: 'a' });
      const others = [
        await addConnection(scene, { organization: 'a' }),
        await addConnection(scene, { organization: 'b', body: { connection_name: a.name } }),
        await addConnection(scene, { body: { connection_name: a.name } }),
      ];
      const authorization = await openAuthorization(scene, a);
      const before = tokenRequestCount();
      for (const other of others) {
        const hop = await authorization.browser.send(
          'GET',
          callbackUrl(other, { state: authorization.state, code: 'c' }),
        );
        expect(hop.status).toBe(400);
      }
      expect(tokenRequestCount()).toBe(before);
      expect((await authorization.sendCallback()).status).toBe(200);
    });

    test.each(['a%2f', '..%2f', 'a%00', '%2e%2e', `${'x'.repeat(2000)}`, '%F0%9F%92%A9', '%ff'])(
      'a callback path with %s is refused and leaves the authorization pending',
      async (part) => {
        const authorization = await openAuthorization(scene, await addConnection(scene));
        const url = `${scene.url}/callback/${part}/x?state=${authorization.state}&code=c`;
        const { status } = await fetch(url, { headers: { accept: 'text/html' } });
        expect([400, 404]).toContain(status);
        expect(await outcome(authorization.state)).toBe('pending');
      },
    );

    test('a callback whose iss names another host never reaches the token endpoint', async () => {
      const authorization = await openAuthorization(scene, await addConnection(scene));
      const before = tokenRequestCount();
      expect((await authorization.sendCallback({ code: 'c', iss: 'https://evil.test' })).status).toBe(400);
      expect(tokenRequestCount()).toBe(before);
    });
  });

  describe('callback parameters that no correct provider sends', () => {
    test.each([
      'code=a&code=b',
      'code=a&code=a',
      'code=a&error=access_denied',
      'code=a&access_token=t',
      'code=a&refresh_token=t',
      'id_token=t',
      'code=a&state=other',
      'code=a&co%64e=b',
      '',
    ])('a callback with the query "%s" is refused and never reaches the token endpoint', async (query) => {
      const connection = await addConnection(scene);
      const authorization = await openAuthorization(scene, connection);
      const before = tokenRequestCount();
      const url = new URL(`${connection.redirectUri}?state=${authorization.state}&${query}`);
      expect((await authorization.browser.send('GET', url)).status).toBe(400);
      expect(tokenRequestCount()).toBe(before);
    });

    test('a callback form with thousands of parameters is refused and leaves the authorization pending', async () => {
      const connection = await addConnection(scene);
      const authorization = await openAuthorization(scene, connection);
      const form = new URLSearchParams({ state: authorization.state, code: 'c' });
      const many = Array.from({ length: 18_000 }, (_, at) => at.toString(36)).join('&');
      const crowded = new URLSearchParams(`${form}&${many}`);
      const hop = await authorization.browser.send('POST', callbackUrl(connection, {}), crowded);
      expect([400, 413]).toContain(hop.status);
      const fewer = new URLSearchParams(`${form}&${Array.from({ length: 3000 }, (_, at) => `${at}`).join('&')}`);
      expect((await authorization.browser.send('POST', callbackUrl(connection, {}), fewer)).status).toBe(400);
      expect(await outcome(authorization.state)).toBe('pending');
    });

    test('a posted callback reads the form alone and ignores the query beside it', async () => {
      const connection = await addConnection(scene);
      const authorization = await openAuthorization(scene, connection);
      const form = new URLSearchParams({ state: authorization.state });
      const hop = await authorization.browser.send('POST', callbackUrl(connection, { code: 'smuggled' }), form);
      expect(hop.status).toBe(400);
      expect(JSON.stringify(scene.provider.received)).not.toContain('smuggled');
    });
  });
});

/** Id of a provider template that switches PKCE off. */
const withoutPkce = 'linear';
