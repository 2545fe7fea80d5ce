import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, startTrip, walkToCallback } from '../e2e/connections.ts';
import { createBrowser, type Hop } from '../support/browser.ts';
import { signIn } from '../support/sign-in.ts';
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
  test('303 to the provider, with one signed HttpOnly cookie that later trips reuse', async () => {
    const browser = createBrowser();
    const connection = await addConnection(service);
    const first = await browser.send('GET', new URL((await startTrip(service, connection)).link));
    expect(first.status).toBe(303);
    expect(first.location?.href).toContain(service.provider.endpoints.authorization);
    expect(first.headers.get('cache-control')).toBe('no-store');
    const [cookie, ...others] = first.headers.getSetCookie();
    expect(others).toEqual([]);
    expect(cookie).toMatch(/; HttpOnly/i);
    expect(cookie).toMatch(/; SameSite=Lax/i);
    await browser.send('GET', new URL((await startTrip(service, connection)).link));
    const [kept, ...more] = browser.cookies.all(at('/'));
    expect(more).toEqual([]);
    expect(cookie).toContain(`${kept?.name}=${kept?.value};`);
  });

  test('HEAD does nothing: a link scanner binds no browser', async () => {
    const { link } = await startTrip(service, await addConnection(service));
    const hop = await createBrowser().send('HEAD', new URL(link));
    expect(hop.status).toBeGreaterThanOrEqual(400);
    expect(hop.headers.getSetCookie()).toEqual([]);
    expect((await createBrowser().send('GET', new URL(link))).status).toBe(303);
  });

  test('400 and a page for a link that is unknown, malformed or expired', async () => {
    const { link } = await startTrip(service, await addConnection(service));
    await service.stack.sql("update authorizations set expires_at = now() - interval '1 second'");
    for (const path of [link, `/authorize/${'a'.repeat(43)}`, '/authorize/x', '/authorize/%3Csvg%3E']) {
      const hop = await createBrowser().send('GET', at(path));
      expect(hop.status).toBe(400);
      expectPage(hop);
      expect(hop.body).not.toContain('<svg>');
    }
  });

  test('while pending, the latest opener binds', async () => {
    const trip = await startTrip(service, await addConnection(service));
    const { browser: first, callback } = await walkToCallback(trip);
    const latest = createBrowser();
    expect((await latest.send('GET', new URL(trip.link))).status).toBe(303);
    expect((await first.send('GET', callback)).status).toBe(400);
    const page = await signIn(latest, trip.link, { login: 'ada' });
    expect(page.status).toBe(200);
  });
});

describe('GET /callback', () => {
  test('200 and a page naming connection, organisation and account; the trip is over', async () => {
    const connection = await addConnection(service, { organization: 'acme' });
    const trip = await startTrip(service, connection);
    const { browser, callback } = await walkToCallback(trip, { login: 'ada' });
    expect(callback.pathname).toBe(`/callback/acme/${connection.name}`);
    const page = await browser.send('GET', callback);
    expect(page.status).toBe(200);
    expectPage(page);
    for (const told of [connection.name, 'acme']) expect(page.body).toContain(told);
    const replay = await browser.send('GET', callback);
    expect(replay.status).toBe(400);
    expectPage(replay);
  });

  test('303 to the stored return_url, with the outcome over whatever it said of it', async () => {
    const connection = await addConnection(service);
    const return_url = 'https://app.example/done?tab=2&status=completed&status_reason=none';
    for (const decision of ['approve', 'deny'] as const) {
      const trip = await startTrip(service, connection, { return_url });
      const { browser, callback } = await walkToCallback(trip, { login: 'ada', decision });
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

  test('400, and no code is exchanged, for what is not the answer of this browser’s trip', async () => {
    const connection = await addConnection(service);
    const other = await addConnection(service);
    const trip = await startTrip(service, connection);
    const { browser, callback } = await walkToCallback(trip);
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
    for (const [what, hop] of refused) {
      expect(hop.status, what).toBe(400);
      expectPage(hop);
    }
    expect(codesSpent()).toBe(spent);
    // Nothing was consumed by any of them.
    expect((await browser.send('GET', callback)).status).toBe(200);
  });

  test('the provider’s words never reach the page unescaped', async () => {
    const trip = await startTrip(service, await addConnection(service));
    const { browser, callback } = await walkToCallback(trip);
    callback.searchParams.delete('code');
    callback.searchParams.set('error', 'server_error');
    callback.searchParams.set('error_description', '<svg onload=alert(1)>');
    callback.searchParams.set('error_uri', 'javascript:alert(1)');
    const page = await browser.send('GET', callback);
    expect(page.status).toBe(200);
    expect(page.body).not.toMatch(/<svg|javascript:/i);
    expect((await service.api.get(`/authorizations/${trip.state}`)).body).toMatchObject({
      status: 'failed',
      status_reason: 'exchange_failed',
    });
  });

  test('a wrong iss is refused before the code is exchanged', async () => {
    const connection = await addConnection(service, { body: { variables: { issuer: service.provider.issuer } } });
    const trip = await startTrip(service, connection);
    const { browser, callback } = await walkToCallback(trip);
    const spent = codesSpent();
    callback.searchParams.set('iss', `${service.provider.issuer}/`);
    expect((await browser.send('GET', callback)).status).toBe(400);
    expect(codesSpent()).toBe(spent);
  });
});

describe('POST /callback', () => {
  test('is read as a form, and refused with a page where it answers no trip', async () => {
    const hop = await createBrowser().send('POST', at('/callback/crm'), new URLSearchParams({ state: 'x', code: 'y' }));
    expect(hop.status).toBe(400);
    expectPage(hop);
  });

  test('413 and 415 are pages too', async () => {
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
