import type { LightMyRequestResponse } from 'fastify';
import { afterEach, describe, expect, test } from 'vitest';
import type { CallbackHit, CallbackOutcome } from '../../../src/broker/authorizations/complete-authorization.ts';
import { refusal } from '../../../src/broker/authorizations/refusal.ts';
import type { HttpServerDeps } from '../../../src/http/server.ts';
import { aConnectedOutcome, aFailedOutcome } from '../../support/builders/outcome.ts';
import { createHttpFixture, type HttpFixture, now, state } from '../../support/http/server-fixture.ts';

let fixture: HttpFixture | undefined;
afterEach(async () => {
  await fixture?.app.close();
  fixture = undefined;
});

const completed = aConnectedOutcome();

async function start(outcome: CallbackOutcome, change: Partial<HttpServerDeps> = {}) {
  const hits: CallbackHit[] = [];
  const opened: [string, string][] = [];
  fixture = await createHttpFixture(
    {
      openAuthorization: async (openedState, { browserId }) => {
        opened.push([openedState, browserId]);
        return { kind: 'redirect', url: 'https://provider.example/authorize?client_id=ü', expiresAt: now };
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

describe('opening an authorization link', () => {
  test('GET of an authorization link binds the browser and redirects to the provider', async () => {
    const { app, opened } = await start(completed);
    const response = await app.inject({ url: `/authorize/${state}` });
    expect(response.statusCode).toBe(303);
    expect(response.headers.location).toBe('https://provider.example/authorize?client_id=%C3%BC');
    expect(response.headers['cache-control']).toBe('no-store');
    expect(opened).toEqual([[state, 'a-new-browser-id-of-enough-length']]);
  });

  test('HEAD and every other method have no effect on an authorization link', async () => {
    const { app, opened } = await start(completed);
    for (const method of ['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'] as const) {
      const response = await app.inject({ method, url: `/authorize/${state}` });
      expect(response.statusCode, method).toBe(method === 'HEAD' ? 200 : 405);
      expect(response.headers['set-cookie']).toBeUndefined();
      expect(response.headers.location).toBeUndefined();
    }
    expect(opened).toEqual([]);
  });

  test.each(['image', 'iframe', 'script', 'empty'])('a link that a page loads as %s binds no browser', async (kind) => {
    const { app, opened } = await start(completed);
    const response = await app.inject({ url: `/authorize/${state}`, headers: { 'sec-fetch-dest': kind } });
    expectSafePage(response, 400);
    expect(response.headers['set-cookie']).toBeUndefined();
    expect(opened).toEqual([]);
    const navigation = await app.inject({ url: `/authorize/${state}`, headers: { 'sec-fetch-dest': 'document' } });
    expect(navigation.statusCode).toBe(303);
  });

  test('a link whose outcome this browser has reached shows the outcome and sets no cookie', async () => {
    fixture = await createHttpFixture({ openAuthorization: async () => completed });
    const response = await fixture.app.inject({ url: `/authorize/${state}` });
    expectSafePage(response, 200);
    expect(response.body).toContain('Connected');
    expect(response.headers['set-cookie']).toBeUndefined();
  });

  test('a malformed authorization link and a refused one get a safe page', async () => {
    fixture = await createHttpFixture({
      openAuthorization: async () => refusal('link_expired'),
    });
    const refused = await fixture.app.inject({ url: `/authorize/${state}` });
    expectSafePage(refused, 400);
    expect(refused.body).toContain('This link has expired');
    expect(refused.headers['set-cookie']).toBeUndefined();
    for (const broken of ['x', 'a'.repeat(600), '%00', 'a%20b']) {
      expectSafePage(await fixture.app.inject({ url: `/authorize/${broken}`, headers: { accept: 'text/html' } }), 400);
    }
  });
});

describe('callbacks', () => {
  test('the outcome page names the connection, the organisation, the provider and the account', async () => {
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
      'Renewed automatically',
    ]) {
      expect(response.body).toContain(text);
    }
  });

  test('a refused callback is a 400 page with the reason', async () => {
    const { app } = await start(refusal('link_used'));
    const response = await app.inject({ url: '/callback/crm?state=x&code=y' });
    expectSafePage(response, 400);
    expect(response.body).toContain('This link was used already');
  });

  test('a callback with a return_url redirects there with the true outcome', async () => {
    const returnUrl = 'https://app.example/done?tab=1&status=completed#here';
    const { app } = await start(aFailedOutcome('denied', { returnUrl }));
    const response = await app.inject({ url: '/callback/crm?state=x' });
    expect(response.statusCode).toBe(303);
    expect(response.headers.location).toBe(
      'https://app.example/done?tab=1&status=failed&connection_name=crm&status_reason=user_denied#here',
    );
  });

  test('a refused callback goes to its return_url, if it has one, with the failure in place of forged parameters', async () => {
    const returnTo = {
      returnUrl: 'https://app.example/done?status=completed&client_state=forged',
      status: 'failed',
      connectionName: 'crm',
      statusReason: 'authorization_expired',
      clientState: 'theirs',
    } as const;
    const { app } = await start(refusal('link_expired', { returnTo }));
    const response = await app.inject({ url: '/callback/crm?state=x' });
    expect(response.statusCode).toBe(303);
    expect(response.headers.location).toBe(
      'https://app.example/done?status=failed&connection_name=crm&status_reason=authorization_expired&client_state=theirs',
    );
  });

  test('path, parameters and address of a callback reach the use case unchanged, for GET and for form_post', async () => {
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

  test('HEAD, a malformed name and a malformed organisation of a callback never reach the use case', async () => {
    const { app, hits } = await start(completed);
    expect(await app.inject({ method: 'HEAD', url: '/callback/crm?state=x' })).toMatchObject({
      statusCode: 200,
      body: '',
    });
    expectSafePage(await app.inject({ url: '/callback/a%20b?state=x' }), 400);
    expectSafePage(await app.inject({ url: '/callback/%2e%2e%2f/crm?state=x' }), 400);
    expect(hits).toEqual([]);
  });

  test('a callback form that is too large or of another media type is refused, as a page if the client accepts HTML', async () => {
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

  test('the page of an unexpected failure shows the request id and nothing of the error', async () => {
    fixture = await createHttpFixture({
      completeAuthorization: async () => {
        throw new Error('canary');
      },
    });
    const headers = { accept: 'text/html', 'x-request-id': 'request-5' };
    const response = await fixture.app.inject({ url: '/callback/crm?state=x', headers });
    expectSafePage(response, 500);
    expect(response.body).toContain('request-5');
    expect(response.body).not.toContain('canary');
  });
});
