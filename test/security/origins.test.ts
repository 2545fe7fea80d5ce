import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser } from '../support/browser/browser.ts';
import { addConnection, callbackUrl, openAuthorization, openScene, type Scene } from './scene.ts';

describe('destinations of an authorization', () => {
  let scene: Scene;
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

    test('a token is sent to an API in a header, never in a query', async () => {
      const authorization = await openAuthorization(scene, await addConnection(scene));
      await authorization.sendCallback();
      const probe = scene.provider.received.findLast(({ path }) => path === '/me');
      expect(probe?.headers.authorization).toMatch(/^Bearer access-/);
      expect(probe?.query.toString()).toBe('');
    });
  });
});
