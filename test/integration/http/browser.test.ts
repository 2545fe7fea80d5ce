import type { LightMyRequestResponse } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import type { CallbackHit, CallbackOutcome } from '../../../src/broker/complete-authorization.ts';
import type { HttpServerDeps } from '../../../src/http/server.ts';
import { createHttpFixture, type HttpFixture, state } from '../../support/http-fixture.ts';

let fixture: HttpFixture | undefined;
afterEach(async () => {
  await fixture?.app.close();
  fixture = undefined;
});

type Settled = Extract<CallbackOutcome, { kind: 'settled' }>;
const completed: Settled = {
  kind: 'settled',
  status: 'completed',
  statusReason: null,
  message: 'The provider accepted the token.',
  connectionName: 'crm',
  organizationId: 'acme',
  provider: 'Example CRM',
  subject: 'user-42',
  account: { id: '4711', name: 'Ada Lovelace' },
  returnUrl: null,
};

async function start(outcome: CallbackOutcome, change: Partial<HttpServerDeps> = {}) {
  const hits: CallbackHit[] = [];
  const opened: [string, string][] = [];
  fixture = await createHttpFixture(
    {
      openAuthorization: async (openedState, browserId) => {
        opened.push([openedState, browserId]);
        return { kind: 'redirect', url: 'https://provider.example/authorize?client_id=ü' };
      },
      completeAuthorization: async (hit) => {
        hits.push(hit);
        return outcome;
      },
    },
    change,
  );
  return { app: fixture.app, hits, opened };
}

function cookieOf(response: LightMyRequestResponse): { name: string; value: string; attributes: string[] } {
  const [pair = '', ...attributes] = String(response.headers['set-cookie']).split('; ');
  const at = pair.indexOf('=');
  return { name: pair.slice(0, at), value: pair.slice(at + 1), attributes: attributes.sort() };
}

function expectSafePage(response: LightMyRequestResponse, status: number) {
  expect(response.statusCode).toBe(status);
  expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(response.headers['content-security-policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
  );
  expect(response.headers['x-content-type-options']).toBe('nosniff');
  expect(response.headers['referrer-policy']).toBe('no-referrer');
  expect(response.headers['cache-control']).toBe('no-store');
  expect(response.body).not.toMatch(/<script|\son\w+=|https?:\/\//);
}

describe('opening the link', () => {
  test('GET binds the browser and goes to the provider', async () => {
    const { app, opened } = await start(completed);
    const response = await app.inject({ url: `/authorize/${state}` });
    expect(response.statusCode).toBe(303);
    expect(response.headers.location).toBe('https://provider.example/authorize?client_id=%C3%BC');
    expect(response.headers['cache-control']).toBe('no-store');
    expect(opened).toEqual([[state, 'a-new-browser-id-of-enough-length']]);
  });

  test('HEAD and every other method do nothing', async () => {
    const { app, opened } = await start(completed);
    for (const method of ['HEAD', 'POST', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'] as const) {
      const response = await app.inject({ method, url: `/authorize/${state}` });
      expect(response.statusCode, method).toBe(404);
      expect(response.headers['set-cookie']).toBeUndefined();
    }
    expect(opened).toEqual([]);
  });

  test('the same browser keeps its id over many trips', async () => {
    const { app, opened } = await start(completed, { newBrowserId: countingIds() });
    const { name, value } = cookieOf(await app.inject({ url: `/authorize/${state}` }));
    await app.inject({ url: `/authorize/${state}`, headers: { cookie: `${name}=${value}` } });
    await app.inject({ url: `/authorize/${state}` });
    const [first, second, third] = opened.map(([, browserId]) => browserId);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test.each([
    [
      'https',
      { publicUrlIsHttps: true, basePath: '' },
      '__Host-token-broker-browser',
      ['HttpOnly', 'Path=/', 'SameSite=None', 'Secure'],
    ],
    [
      'https under a base path',
      { publicUrlIsHttps: true, basePath: '/api' },
      '__Secure-token-broker-browser',
      ['HttpOnly', 'Path=/api', 'SameSite=None', 'Secure'],
    ],
    ['http', { publicUrlIsHttps: false, basePath: '' }, 'token-broker-browser', ['HttpOnly', 'Path=/', 'SameSite=Lax']],
  ] as const)('the cookie over %s', async (_name, change, cookieName, attributes) => {
    const { app } = await start(completed, change);
    const cookie = cookieOf(await app.inject({ url: `${change.basePath}/authorize/${state}` }));
    expect(cookie.name).toBe(cookieName);
    expect(cookie.attributes.filter((attribute) => !attribute.startsWith('Max-Age'))).toEqual([...attributes].sort());
    expect(cookie.value).not.toBe('a-new-browser-id-of-enough-length');
  });

  test('a cookie signed with a retired key is still read, an altered one is not', async () => {
    const old = await start(completed, { cookieKeys: ['an-older-cookie-key-000000000000000'] });
    const { name, value } = cookieOf(await old.app.inject({ url: `/authorize/${state}` }));
    await old.app.close();
    const { app, hits } = await start(completed, {
      cookieKeys: ['a-newer-cookie-key-000000000000000', 'an-older-cookie-key-000000000000000'],
    });
    await app.inject({ url: '/callback/crm?state=x', headers: { cookie: `${name}=${value}` } });
    await app.inject({ url: '/callback/crm?state=x', headers: { cookie: `${name}=b${value.slice(1)}` } });
    await app.inject({
      url: '/callback/crm?state=x',
      headers: { cookie: `${name}=a-new-browser-id-of-enough-length` },
    });
    await app.inject({ url: '/callback/crm?state=x' });
    expect(hits.map(({ browserId }) => browserId)).toEqual(['a-new-browser-id-of-enough-length', null, null, null]);
  });

  test('a link that is none, and one the broker refuses, get a page', async () => {
    fixture = await createHttpFixture({
      openAuthorization: async () => ({ kind: 'refused', message: 'This link has <b>expired</b>.' }),
    });
    const refused = await fixture.app.inject({ url: `/authorize/${state}` });
    expectSafePage(refused, 400);
    expect(refused.body).toContain('This link has &lt;b&gt;expired&lt;/b&gt;.');
    expect(refused.headers['set-cookie']).toBeUndefined();
    for (const broken of ['x', 'a'.repeat(600), '%00', 'a%20b']) {
      expectSafePage(await fixture.app.inject({ url: `/authorize/${broken}`, headers: { accept: 'text/html' } }), 400);
    }
  });
});

describe('coming back', () => {
  test('the page says in words what was connected, for which organisation and with which account', async () => {
    const { app } = await start(completed);
    const response = await app.inject({ url: '/callback/acme/crm?state=x&code=y' });
    expectSafePage(response, 200);
    for (const text of [
      'Connected',
      'crm',
      'acme',
      'Example CRM',
      '<bdi>Ada Lovelace</bdi> (<bdi>4711</bdi>)',
      'user-42',
      completed.message,
    ]) {
      expect(response.body).toContain(text);
    }
  });

  test('a refusal is a 400 page', async () => {
    const { app } = await start({ kind: 'refused', message: 'This link was used already.' });
    const response = await app.inject({ url: '/callback/crm?state=x&code=y' });
    expectSafePage(response, 400);
    expect(response.body).toContain('This link was used already.');
  });

  test('nothing of a provider or a name gets into a page as markup', async () => {
    const hostile = `<svg onload=alert(1)>"'&javascript:alert(1)`;
    const { app } = await start({
      ...completed,
      message: hostile,
      connectionName: hostile,
      organizationId: hostile,
      provider: hostile,
      subject: hostile,
      account: { id: hostile, name: `${hostile}!` },
    });
    const response = await app.inject({ url: '/callback/crm?state=x&error_description=%3Csvg%20onload%3D1%3E' });
    expect(response.body).not.toContain('<svg');
    expect(response.body).not.toMatch(/["']&javascript/);
    expect(response.body).toContain('&lt;svg onload=alert(1)&gt;&quot;&#39;&amp;javascript:alert(1)');
  });

  test('the outcome goes to the return_url where there is one', async () => {
    const { app } = await start({
      ...completed,
      status: 'failed',
      statusReason: 'user_denied',
      returnUrl: 'https://app.example/done?tab=1&status=completed#here',
    });
    const response = await app.inject({ url: '/callback/crm?state=x' });
    expect(response.statusCode).toBe(303);
    expect(response.headers.location).toBe(
      'https://app.example/done?tab=1&status=failed&connection_name=crm&status_reason=user_denied#here',
    );
  });

  test('path, parameters and where it came from reach the use case untouched, for GET and for form_post', async () => {
    const { app, hits } = await start(completed);
    await app.inject({
      url: '/callback/crm?state=a&state=b&code=%2B+x&iss=https%3A%2F%2Fp',
      remoteAddress: '10.0.0.7',
    });
    await app.inject({
      method: 'POST',
      url: '/callback/acme.eu/crm?state=query',
      payload: 'state=a&state=b&code=%2B+x',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-request-id': 'request-9' },
    });
    await app.inject({ method: 'POST', url: '/callback/crm' });
    expect(hits.map(({ organizationId, connectionName }) => [organizationId, connectionName])).toEqual([
      [null, 'crm'],
      ['acme.eu', 'crm'],
      [null, 'crm'],
    ]);
    expect(hits.map(({ parameters }) => [...parameters])).toEqual([
      [
        ['state', 'a'],
        ['state', 'b'],
        ['code', '+ x'],
        ['iss', 'https://p'],
      ],
      [
        ['state', 'a'],
        ['state', 'b'],
        ['code', '+ x'],
      ],
      [],
    ]);
    expect(hits[0]?.address).toBe('10.0.0.7');
    expect(hits[1]?.requestId).toBe('request-9');
  });

  test('HEAD, a name that can be none and an organisation that can be none reach nothing', async () => {
    const { app, hits } = await start(completed);
    expect((await app.inject({ method: 'HEAD', url: '/callback/crm?state=x' })).statusCode).toBe(404);
    expectSafePage(await app.inject({ url: '/callback/a%20b?state=x' }), 400);
    expectSafePage(await app.inject({ url: '/callback/%2e%2e%2f/crm?state=x' }), 400);
    expect(hits).toEqual([]);
  });

  test('a form over its limit and another media type are refused, as a page where a person looks', async () => {
    const { app, hits } = await start(completed);
    const post = (payload: string, type: string, accept: string) =>
      app.inject({ method: 'POST', url: '/callback/crm', payload, headers: { 'content-type': type, accept } });
    const form = 'application/x-www-form-urlencoded';
    expect((await post(`state=${'x'.repeat(70_000)}`, form, '*/*')).json()).toMatchObject({
      code: 'payload_too_large',
    });
    expect((await post('{}', 'application/json', '*/*')).json()).toMatchObject({ code: 'unsupported_media_type' });
    expectSafePage(await post('{}', 'application/json', 'text/html,*/*'), 415);
    expect(hits).toEqual([]);
  });

  test('an unexpected failure is a page that tells nothing', async () => {
    fixture = await createHttpFixture({
      completeAuthorization: async () => {
        throw new Error('canary');
      },
    });
    const response = await fixture.app.inject({ url: '/callback/crm?state=x', headers: { accept: 'text/html' } });
    expectSafePage(response, 500);
    expect(response.body).not.toContain('canary');
  });
});

function countingIds(): () => string {
  let made = 0;
  return () => {
    made += 1;
    return `browser-id-of-enough-length-${made}`;
  };
}
