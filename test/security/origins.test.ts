import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser } from '../support/browser/browser.ts';
import { addConnection, callbackUrl, openAuthorization, openScene, type Scene, uniqueName } from './scene.ts';

describe('destinations of an authorization', () => {
  let scene: Scene;

  /** Sends a request whose Host header names another host, which fetch cannot do. */
  async function sendAsHost(
    host: string,
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body = '',
  ) {
    const { hostname, port, pathname } = new URL(`${scene.url}${path}`);
    const sent = request({ hostname, port, path: pathname, method, headers: { ...headers, host } }).end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, location: response.headers.location, body: await readText(response) };
  }
  beforeAll(async () => {
    scene = await openScene({ BASE_PATH: '/api/oauth', ALLOWED_RETURN_URLS: 'https://app.test' });
  });
  afterAll(() => scene?.close());

  describe('return_url', () => {
    test.each([
      '//evil.test',
      '\\\\evil.test',
      '/\\evil.test',
      'https://app.test@evil.test/',
      'https://app.test\\@evil.test/',
      'https://app.test.evil.test/',
      'https://app.test%2eevil.test/',
      'https:evil.test',
      'javascript:alert(1)//https://app.test',
      'https://app.test/\r\nset-cookie: a=b',
      'https://app.test\t.evil.test/',
      'https://аpp.test/',
      'http://app.test/',
      'https://app.test:444/',
    ])('an authorization with the return_url %j is refused', async (return_url) => {
      const connection = await addConnection(scene);
      const response = await scene.api.post(`${connection.path}/authorize`, { return_url });
      expect(response).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    });

    test('a return_url cannot preset the status parameter or add a header', async () => {
      const connection = await addConnection(scene);
      const return_url = 'https://app.test/done?status=completed&%73tatus=completed&x=%0d%0aset-cookie:a=b#f';
      const authorization = await openAuthorization(scene, connection, { return_url });
      const hop = await authorization.sendCallback({ error: 'access_denied' });
      expect(hop.location?.origin).toBe('https://app.test');
      expect(hop.location?.searchParams.getAll('status')).toEqual(['failed']);
      expect(hop.headers.getSetCookie().join()).not.toContain('a=b');
    });
  });

  describe('redirect_uri and tokens', () => {
    test('the redirect_uri comes from the configuration, at the link and the exchange, whatever the request headers say', async () => {
      const connection = await addConnection(scene);
      const headers = {
        'x-forwarded-host': 'evil.test',
        forwarded: 'host=evil.test;proto=https',
        'x-original-url': '/x',
      };
      const started = await scene.api.post(`${connection.path}/authorize`, {}, { headers });
      const browser = createBrowser({ headers });
      const { location } = await browser.send('GET', new URL(started.body.authorization_url));
      expect(location?.searchParams.get('redirect_uri')).toBe(connection.redirectUri);
      await browser.send('GET', callbackUrl(connection, { state: started.body.state, code: 'c' }));
      expect(scene.provider.received.findLast(({ path }) => path === '/token')?.body).toContain(
        `redirect_uri=${encodeURIComponent(connection.redirectUri)}`,
      );
      expect(new URL(started.body.authorization_url).origin).toBe(scene.broker.url);
    });

    test('links, redirects and locations name the configured host, whatever host the request names', async () => {
      const connection = await addConnection(scene);
      const bearer = { authorization: `Bearer ${scene.adminKey}`, 'content-type': 'application/json' };
      const started = await sendAsHost('evil.test', 'POST', `${connection.path}/authorize`, bearer, '{}');
      expect(started).toMatchObject({ status: 200 });
      const { authorization_url: link } = JSON.parse(started.body) as { authorization_url: string };
      expect(new URL(link).origin).toBe(scene.broker.url);
      const { location } = await sendAsHost('evil.test', 'GET', new URL(link).pathname.replace('/api/oauth', ''));
      expect(new URL(location ?? '').searchParams.get('redirect_uri')).toBe(connection.redirectUri);
      const body = JSON.stringify({ connection_name: uniqueName(), client_id: 'c', provider: 'github' });
      const created = await sendAsHost('evil.test', 'POST', '/connections', bearer, body);
      expect(created).toMatchObject({ status: 201 });
      for (const response of [started, created]) expect(JSON.stringify(response)).not.toContain('evil.test');
    });

    test('a token is sent to an API in a header, never in a query', async () => {
      const authorization = await openAuthorization(scene, await addConnection(scene));
      await authorization.sendCallback();
      const probe = scene.provider.received.findLast(({ path }) => path === '/me');
      expect(probe?.headers.authorization).toMatch(/^Bearer access-/);
      expect(probe?.query.toString()).toBe('');
    });
  });
});
