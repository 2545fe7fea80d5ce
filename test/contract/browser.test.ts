import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, startAuthorization, walkToCallback } from '../e2e/connections.ts';
import { createBrowser, type Hop } from '../support/browser/browser.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const at = (path: string) => new URL(path, service.broker.url);
const codesSpent = () => service.provider.countTokenRequests('authorization_code');

function expectPage({ headers, body }: Hop): void {
  expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('referrer-policy')).toBe('no-referrer');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toMatch(/default-src 'none'/);
  expect(policy).toMatch(/style-src 'sha256-[^']+'/);
  expect(body).not.toMatch(/<script|<img|<link|\bon\w+=|https?:\/\/(?!127\.0\.0\.1)/i);
}

describe('GET /authorize/{state}', () => {
  test('opening a link redirects to the provider and sets one HttpOnly cookie of its own', async () => {
    const browser = createBrowser();
    const connection = await addConnection(service);
    const first = await browser.send('GET', new URL((await startAuthorization(service, connection)).link));
    expect(first.status).toBe(303);
    expect(first.location?.href).toContain(service.provider.endpoints.authorization);
    expect(first.headers.get('cache-control')).toBe('no-store');
    const [cookie, ...others] = first.headers.getSetCookie();
    expect(others).toEqual([]);
    expect(cookie).toMatch(/; HttpOnly/i);
    expect(cookie).toMatch(/; SameSite=Lax/i);
    const second = await browser.send('GET', new URL((await startAuthorization(service, connection)).link));
    expect(second.headers.getSetCookie()).toHaveLength(1);
    expect(new Set(browser.cookies.all(at('/')).map(({ name }) => name)).size).toBe(2);
  });

  test('HEAD on a link has no effect: a link scanner binds no browser', async () => {
    const { link } = await startAuthorization(service, await addConnection(service));
    const hop = await createBrowser().send('HEAD', new URL(link));
    expect(hop.status).toBe(200);
    expect(hop.headers.getSetCookie()).toEqual([]);
    expect((await createBrowser().send('GET', new URL(link))).status).toBe(303);
  });

  test('a link that is unknown, malformed or expired gets a 400 page', async () => {
    const { link } = await startAuthorization(service, await addConnection(service));
    await service.stack.sql("update authorizations set expires_at = now() - interval '1 second'");
    for (const path of [link, `/authorize/${'a'.repeat(43)}`, '/authorize/x', '/authorize/%3Csvg%3E']) {
      const hop = await createBrowser().send('GET', at(path));
      expect(hop.status).toBe(400);
      expectPage(hop);
      expect(hop.body).not.toContain('<svg>');
    }
  });

  test('the browser that opened a pending link last is the one that can complete it', async () => {
    const authorization = await startAuthorization(service, await addConnection(service));
    const { browser: first, callback } = await walkToCallback(authorization);
    const latest = createBrowser();
    expect((await latest.send('GET', new URL(authorization.link))).status).toBe(303);
    expect((await first.send('GET', callback)).status).toBe(400);
    const page = await signIn(latest, authorization.link, { login: 'ada' });
    expect(page.status).toBe(200);
  });
});

describe('GET /callback', () => {
  test('a callback shows a page with connection, organisation and account, and the same page again', async () => {
    const connection = await addConnection(service, { organization: 'acme' });
    const authorization = await startAuthorization(service, connection);
    const { browser, callback } = await walkToCallback(authorization, { login: 'ada' });
    expect(callback.pathname).toBe(`/callback/acme/${connection.name}`);
    const page = await browser.send('GET', callback);
    expect(page.status).toBe(200);
    expectPage(page);
    for (const text of [connection.name, 'acme']) expect(page.body).toContain(text);
    const replay = await browser.send('GET', callback);
    expect([replay.status, replay.body]).toEqual([200, page.body]);
    expectPage(replay);
    const other = new URL(callback);
    other.searchParams.set('code', 'another-code');
    const spent = codesSpent();
    expect((await browser.send('GET', other)).status).toBe(200);
    expect((await createBrowser().send('GET', callback)).status).toBe(400);
    expect(codesSpent()).toBe(spent);
  });

  test('a callback redirects to the stored return_url, and its outcome replaces forged parameters', async () => {
    const connection = await addConnection(service);
    const return_url = 'https://app.example/done?tab=2&status=completed&status_reason=none';
    for (const decision of ['approve', 'deny'] as const) {
      const authorization = await startAuthorization(service, connection, { return_url });
      const { browser, callback } = await walkToCallback(authorization, { login: 'ada', decision });
      const hop = await browser.send('GET', callback);
      expect(hop.status).toBe(303);
      expect(hop.location?.origin).toBe('https://app.example');
      expect(Object.fromEntries(hop.location?.searchParams ?? [])).toEqual({
        tab: '2',
        connection_name: connection.name,
        ...(decision === 'approve' ? { status: 'completed' } : { status: 'failed', status_reason: 'user_denied' }),
      });
      expect(hop.location?.searchParams.getAll('status')).toHaveLength(1);
    }
  });

  test('a callback from another browser, path or state gets 400 and exchanges no code', async () => {
    const connection = await addConnection(service);
    const other = await addConnection(service);
    const authorization = await startAuthorization(service, connection);
    const { browser, callback } = await walkToCallback(authorization);
    const spent = codesSpent();
    const variant = (change: (url: URL) => void) => {
      const url = new URL(callback);
      change(url);
      return url;
    };
    const refused: [string, Hop][] = [
      ['another browser', await createBrowser().send('GET', callback)],
      ['another path', await browser.send('GET', new URL(`/callback/${other.name}${callback.search}`, callback))],
      [
        'an organisation’s path',
        await browser.send('GET', new URL(`/callback/acme/${connection.name}${callback.search}`, callback)),
      ],
      [
        'an unknown state',
        await browser.send(
          'GET',
          variant((url) => url.searchParams.set('state', 'a'.repeat(43))),
        ),
      ],
      [
        'no state',
        await browser.send(
          'GET',
          variant((url) => url.searchParams.delete('state')),
        ),
      ],
      [
        'a repeated parameter',
        await browser.send(
          'GET',
          variant((url) => url.searchParams.append('code', 'x')),
        ),
      ],
      [
        'code and error',
        await browser.send(
          'GET',
          variant((url) => url.searchParams.set('error', 'access_denied')),
        ),
      ],
      [
        'a token in the query',
        await browser.send(
          'GET',
          variant((url) => url.searchParams.set('access_token', 'x')),
        ),
      ],
    ];
    for (const [reason, hop] of refused) {
      expect(hop.status, reason).toBe(400);
      expectPage(hop);
    }
    expect(codesSpent()).toBe(spent);
    // None of them consumed the state.
    expect((await browser.send('GET', callback)).status).toBe(200);
  });

  test('error text of the provider never reaches the callback page as markup', async () => {
    const authorization = await startAuthorization(service, await addConnection(service));
    const { browser, callback } = await walkToCallback(authorization);
    callback.searchParams.delete('code');
    callback.searchParams.set('error', 'server_error');
    callback.searchParams.set('error_description', '<svg onload=alert(1)>');
    callback.searchParams.set('error_uri', 'javascript:alert(1)');
    const page = await browser.send('GET', callback);
    expect(page.status).toBe(200);
    expect(page.body).not.toMatch(/<svg|javascript:/i);
    expect((await service.api.get(`/authorizations/${authorization.state}`)).body).toMatchObject({
      status: 'failed',
      status_reason: 'exchange_failed',
    });
  });

  test('a callback with the wrong iss is refused before the code is exchanged', async () => {
    const connection = await addConnection(service, { body: { variables: { issuer: service.provider.issuer } } });
    const authorization = await startAuthorization(service, connection);
    const { browser, callback } = await walkToCallback(authorization);
    const spent = codesSpent();
    callback.searchParams.set('iss', `${service.provider.issuer}/`);
    expect((await browser.send('GET', callback)).status).toBe(400);
    expect(codesSpent()).toBe(spent);
  });
});

describe('POST /callback', () => {
  test('a form_post callback with an unknown state gets a 400 page', async () => {
    const hop = await createBrowser().send('POST', at('/callback/crm'), new URLSearchParams({ state: 'x', code: 'y' }));
    expect(hop.status).toBe(400);
    expectPage(hop);
  });

  test('a form_post callback that is too large gets 413, and one in JSON gets 415', async () => {
    const large = await createBrowser().send(
      'POST',
      at('/callback/crm'),
      new URLSearchParams({ x: 'x'.repeat(100_000) }),
    );
    expect(large.status).toBe(413);
    const json = await fetch(at('/callback/crm'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(json.status).toBe(415);
  });
});
