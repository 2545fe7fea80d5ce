import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { addConnection, begin, callbackUrl, openScene, type Scene, tokenRequests } from './scene.ts';

describe('a trip of a browser, under a base path', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ BASE_PATH: '/api/oauth' });
  });
  afterAll(() => scene?.close());

  const outcome = async (state: string) => (await scene.api.get(`/authorizations/${state}`)).body.status;
  const spent = () => tokenRequests(scene.provider);

  describe('threat 1: the state is bound to the browser', () => {
    test('a browser that never opened the link, or was handed a forged cookie, spends nothing', async () => {
      const connection = await addConnection(scene);
      const trip = await begin(scene, connection);
      const before = spent();
      const [cookie] = trip.browser.cookies.all(new URL(trip.link));
      const value = cookie?.value ?? '';
      const other = (character: string | undefined) => (character === 'A' ? 'B' : 'A');
      const first = `${other(value[0])}${value.slice(1)}`;
      const last = `${value.slice(0, -2)}${other(value.at(-2))}${value.at(-1)}`;
      const forged = ['x'.repeat(43), value.split('.')[0], first, last, ''];
      for (const attempt of [undefined, ...forged]) {
        const headers = attempt === undefined ? {} : { cookie: `${cookie?.name}=${attempt}` };
        expect((await trip.comeBack(undefined, createBrowser({ headers }))).status).toBe(400);
      }
      expect(spent()).toBe(before);
      expect(await outcome(trip.state)).toBe('pending');
      expect((await trip.comeBack()).status).toBe(200);
    });

    test("an attacker's own valid cookie, tossed in beside the person's, does not finish the attacker's trip", async () => {
      const connection = await addConnection(scene);
      const attackers = await begin(scene, connection);
      const victims = await begin(scene, connection);
      const before = spent();
      const page = await attackers.comeBack(undefined, victims.browser);
      expect(page.status).toBe(400);
      expect(spent()).toBe(before);
    });

    test('HEAD and every other method on a callback do nothing', async () => {
      const connection = await addConnection(scene);
      const trip = await begin(scene, connection);
      const before = spent();
      for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH']) {
        const hop = await trip.browser.send(method, callbackUrl(connection, { state: trip.state, code: 'c' }));
        expect(hop.status, method).toBeGreaterThanOrEqual(400);
      }
      expect(spent()).toBe(before);
      expect((await trip.comeBack()).status).toBe(200);
    });
  });

  describe('threat 2: a state is used once, on errors too', () => {
    test('a denial uses it up: a code that comes after it is not exchanged', async () => {
      const trip = await begin(scene, await addConnection(scene));
      const before = spent();
      expect((await trip.comeBack({ error: 'access_denied' })).body).toContain('Not connected');
      expect((await trip.comeBack()).status).toBe(400);
      expect(spent()).toBe(before);
      expect(await outcome(trip.state)).toBe('failed');
    });

    test('codes and denials at once: one of them counts, and at most one token request is made', async () => {
      const trip = await begin(scene, await addConnection(scene));
      const before = spent();
      const hops = await Promise.all(
        Array.from({ length: 50 }, (_, at) => trip.comeBack(at % 2 === 0 ? { code: `c${at}` } : { error: 'x' })),
      );
      expect(hops.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(spent() - before).toBeLessThanOrEqual(1);
    });

    test('it has 256 bits and no likeness to the next one', async () => {
      const connection = await addConnection(scene);
      const states = await Promise.all(Array.from({ length: 20 }, async () => (await begin(scene, connection)).state));
      expect(new Set(states).size).toBe(20);
      for (const state of states) expect(Buffer.from(state, 'base64url')).toHaveLength(32);
    });
  });

  describe('threats 3 and 4: PKCE', () => {
    test('is S256 with a verifier for each trip, which the browser never sees', async () => {
      const connection = await addConnection(scene);
      const challenges: (string | null)[] = [];
      for (const _ of [1, 2]) {
        const trip = await begin(scene, connection);
        const { searchParams } = trip.authorization;
        expect(searchParams.get('code_challenge_method')).toBe('S256');
        challenges.push(searchParams.get('code_challenge'));
        expect((await trip.comeBack()).status).toBe(200);
        const request = scene.provider.received.findLast(({ path }) => path === '/token');
        const verifier = new URLSearchParams(request?.body).get('code_verifier') ?? '';
        expect(createHash('sha256').update(verifier).digest('base64url')).toBe(challenges.at(-1));
        expect(trip.authorization.href).not.toContain(verifier);
      }
      expect(new Set(challenges).size).toBe(2);
    });

    test('where the provider has none, a foreign browser is refused all the same', async () => {
      const connection = await addConnection(scene, { body: { provider: withoutPkce } });
      const trip = await begin(scene, connection);
      expect(trip.authorization.searchParams.has('code_challenge')).toBe(false);
      const before = spent();
      expect((await trip.comeBack(undefined, createBrowser())).status).toBe(400);
      expect(spent()).toBe(before);
    });
  });

  describe('threat 5: mix-up', () => {
    test("A's answer on B's path is refused and A's trip is not used up", async () => {
      const a = await addConnection(scene, { organization: 'a' });
      const others = [
        await addConnection(scene, { organization: 'a' }),
        await addConnection(scene, { organization: 'b', body: { connection_name: a.name } }),
        await addConnection(scene, { body: { connection_name: a.name } }),
      ];
      const trip = await begin(scene, a);
      const before = spent();
      for (const other of others) {
        const hop = await trip.browser.send('GET', callbackUrl(other, { state: trip.state, code: 'c' }));
        expect(hop.status).toBe(400);
      }
      expect(spent()).toBe(before);
      expect((await trip.comeBack()).status).toBe(200);
    });

    test.each(['a%2f', '..%2f', 'a%00', '%2e%2e', `${'x'.repeat(2000)}`, '%F0%9F%92%A9', '%ff'])(
      'a path of %s is nobody’s callback',
      async (part) => {
        const trip = await begin(scene, await addConnection(scene));
        const url = `${scene.url}/callback/${part}/x?state=${trip.state}&code=c`;
        const { status } = await fetch(url, { headers: { accept: 'text/html' } });
        expect([400, 404]).toContain(status);
        expect(await outcome(trip.state)).toBe('pending');
      },
    );

    test('an iss of another host spends no code', async () => {
      const trip = await begin(scene, await addConnection(scene));
      const before = spent();
      expect((await trip.comeBack({ code: 'c', iss: 'https://evil.test' })).status).toBe(400);
      expect(spent()).toBe(before);
    });
  });

  describe('threat 7: what no honest provider sends', () => {
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
    ])('%s is refused', async (query) => {
      const connection = await addConnection(scene);
      const trip = await begin(scene, connection);
      const before = spent();
      const url = new URL(`${connection.redirectUri}?state=${trip.state}&${query}`);
      expect((await trip.browser.send('GET', url)).status).toBe(400);
      expect(spent()).toBe(before);
    });

    test('a form of twenty thousand parameters is refused, and keeps nobody else waiting', async () => {
      const connection = await addConnection(scene);
      const trip = await begin(scene, connection);
      const form = new URLSearchParams({ state: trip.state, code: 'c' });
      const many = Array.from({ length: 18_000 }, (_, at) => at.toString(36)).join('&');
      const crowded = new URLSearchParams(`${form}&${many}`);
      const hop = await trip.browser.send('POST', callbackUrl(connection, {}), crowded);
      expect([400, 413]).toContain(hop.status);
      const fewer = new URLSearchParams(`${form}&${Array.from({ length: 3000 }, (_, at) => `${at}`).join('&')}`);
      expect((await trip.browser.send('POST', callbackUrl(connection, {}), fewer)).body).toContain(
        'too many parameters',
      );
      expect(await outcome(trip.state)).toBe('pending');
    });

    test('a posted form is the only source of parameters: the query beside it is not mixed in', async () => {
      const connection = await addConnection(scene);
      const trip = await begin(scene, connection);
      const form = new URLSearchParams({ state: trip.state });
      const hop = await trip.browser.send('POST', callbackUrl(connection, { code: 'smuggled' }), form);
      expect(hop.status).toBe(400);
      expect(JSON.stringify(scene.provider.received)).not.toContain('smuggled');
    });
  });
});

/** A template that ships without PKCE. */
const withoutPkce = 'linear';
