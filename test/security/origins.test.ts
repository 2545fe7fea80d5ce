import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser } from '../support/browser.ts';
import { addConnection, begin, callbackUrl, openScene, type Scene } from './scene.ts';

describe('where a trip may lead', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene({ BASE_PATH: '/api/oauth', ALLOWED_RETURN_URLS: 'https://app.test' });
  });
  afterAll(() => scene?.close());

  describe('threat 8: return_url', () => {
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
    ])('%j starts no trip', async (return_url) => {
      const connection = await addConnection(scene);
      const answer = await scene.api.post(`${connection.path}/authorize`, { return_url });
      expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    });

    test('whoever made the link cannot foretell the outcome, nor add a header', async () => {
      const connection = await addConnection(scene);
      const return_url = 'https://app.test/done?status=completed&%73tatus=completed&x=%0d%0aset-cookie:a=b#f';
      const trip = await begin(scene, connection, { return_url });
      const hop = await trip.comeBack({ error: 'access_denied' });
      expect(hop.location?.origin).toBe('https://app.test');
      expect(hop.location?.searchParams.getAll('status')).toEqual(['failed']);
      expect(hop.headers.getSetCookie().join()).not.toContain('a=b');
    });
  });

  describe('threats 9 and 12: origins', () => {
    test('the redirect_uri is the configured one, on the link and at the exchange, whatever the request says', async () => {
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

    test('tokens travel to APIs in a header, never in a query', async () => {
      const trip = await begin(scene, await addConnection(scene));
      await trip.comeBack();
      const probe = scene.provider.received.findLast(({ path }) => path === '/me');
      expect(probe?.headers.authorization).toMatch(/^Bearer access-/);
      expect(probe?.query.toString()).toBe('');
    });
  });
});
