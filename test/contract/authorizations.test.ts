import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, connect, importGrant, startTrip } from '../e2e/connections.ts';
import { createBrowser } from '../support/browser.ts';
import { signIn } from '../support/sign-in.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const progress = async (state: string, organization?: string) =>
  (await service.api.get(`/authorizations/${state}`, { organization })).body;
const statusOf = async (path: string) => {
  const { status, status_reason } = (await service.api.get(path)).body;
  return [status, status_reason];
};

describe('POST /connections/{name}/authorize', () => {
  test('answers the broker’s own link, the state in it, and when it ends', async () => {
    const connection = await addConnection(service);
    const before = Date.now();
    const { status, body } = await service.api.post(`${connection.path}/authorize`);
    expect(status).toBe(200);
    expect(Object.keys(body).toSorted()).toEqual(['authorization_url', 'expires_at', 'state']);
    expect(body.authorization_url).toBe(`${service.broker.url}/authorize/${body.state}`);
    // 128 bit are 22 characters of base64url.
    expect(body.state).toMatch(/^[A-Za-z0-9_-]{22,}$/);
    const minutes = (Date.parse(body.expires_at) - before) / 60_000;
    expect(minutes).toBeGreaterThanOrEqual(15);
    expect(minutes).toBeLessThan(16);
  });

  test('takes all its fields, and each link is another', async () => {
    const connection = await addConnection(service);
    const whole = {
      ...{ subject: 'user-42', account_id: 'acct', allow_account_change: true, scopes: ['email'] },
      ...{ return_url: 'https://app.example/done?x=1', login_hint: 'ada@example.com', prompt: 'login' },
    };
    const first = await startTrip(service, connection, whole);
    const second = await startTrip(service, connection, whole);
    expect(second.state).not.toBe(first.state);
    const hop = await createBrowser().send('GET', new URL(first.link));
    const query = hop.location?.searchParams;
    expect(query?.get('scope')?.split(' ')).toEqual(['openid', 'profile', 'offline_access', 'email']);
    expect(query?.get('login_hint')).toBe('ada@example.com');
    expect(query?.get('prompt')).toBe('login');
    expect(query?.get('code_challenge_method')).toBe('S256');
    expect(await progress(first.state)).toEqual({
      ...{ status: 'pending', status_reason: null, connection_name: connection.name },
      ...{ subject: 'user-42', account_id: 'acct' },
    });
  });

  test.each(['client_credentials', 'refresh_token'])('%s has no person to ask', async (flow) => {
    const connection = await addConnection(service, { body: { oauth_flow_type: flow } });
    const answer = await service.api.post(`${connection.path}/authorize`);
    expect(answer).toMatchObject({ status: 400, body: { code: 'flow_not_interactive' } });
  });

  test.each([
    'https://evil.example/done',
    'https://app.example.evil.example/',
    'https://app.example@evil.example/',
    'https://user@app.example/',
    'http://app.example/',
    'https://app.example:8443/',
    '//app.example/done',
    'javascript:alert(1)',
    'https:\\\\app.example/done',
    '',
  ])('return_url %j, which is not allowed, is refused', async (return_url) => {
    const connection = await addConnection(service);
    const answer = await service.api.post(`${connection.path}/authorize`, { return_url });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ path: 'return_url' }] } });
    expect(await statusOf(connection.path)).toEqual(['not_connected', null]);
  });

  test.each([
    ['subject', { subject: '' }],
    ['subject', { subject: 'a\nb' }],
    ['account_id', { account_id: '' }],
    ['scopes.0', { scopes: ['a b'] }],
    ['allow_account_change', { allow_account_change: 'yes' }],
    ['state', { state: 'chosen' }],
    ['redirect_uri', { redirect_uri: 'https://evil.example' }],
  ])('400 naming %s for %j', async (path, body) => {
    const { path: connection } = await addConnection(service);
    const answer = await service.api.post(`${connection}/authorize`, body);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path }] } });
  });

  test('404 for a connection that is not there or is another organisation’s', async () => {
    const { path } = await addConnection(service, { organization: 'acme' });
    for (const [target, organization] of [['/connections/absent'], [path], [path, 'globex']]) {
      const answer = await service.api.post(`${target}/authorize`, undefined, { organization });
      expect(answer).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
    }
  });

  test('a trip of a reconnect never takes the live token away, nor does its failure', async () => {
    const connection = await addConnection(service);
    const { accessToken } = await importGrant(service, connection, 3600);
    const trip = await startTrip(service, connection);
    expect(await statusOf(connection.path)).toEqual(['completed', null]);
    await signIn(createBrowser(), trip.link, { login: 'ada', decision: 'deny' });
    expect(await progress(trip.state)).toMatchObject({ status: 'failed', status_reason: 'user_denied' });
    expect(await statusOf(connection.path)).toEqual(['completed', null]);
    expect((await service.api.get(connection.credential)).body.access_token).toBe(accessToken);
  });
});

describe('GET /authorizations/{state}', () => {
  test('pending, then completed with the account that connected', async () => {
    const connection = await addConnection(service);
    const trip = await startTrip(service, connection, { subject: 'user-1' });
    expect(await progress(trip.state)).toMatchObject({ status: 'pending', status_reason: null, account_id: null });
    await signIn(createBrowser(), trip.link, { login: 'ada' });
    expect(await progress(trip.state)).toMatchObject({ status: 'completed', status_reason: null, subject: 'user-1' });
  });

  test('failed with the reason', async () => {
    const connection = await addConnection(service);
    const trip = await startTrip(service, connection);
    await signIn(createBrowser(), trip.link, { login: 'ada', decision: 'deny' });
    expect(await progress(trip.state)).toEqual({
      ...{ status: 'failed', status_reason: 'user_denied', connection_name: connection.name },
      ...{ subject: null, account_id: null },
    });
    expect(await statusOf(connection.path)).toEqual(['failed', 'user_denied']);
  });

  test('expired by the clock', async () => {
    const connection = await addConnection(service);
    const { state } = await startTrip(service, connection);
    await service.stack.sql("update authorizations set expires_at = now() - interval '1 second'");
    expect(await progress(state)).toMatchObject({ status: 'expired', status_reason: 'authorization_expired' });
    expect(await statusOf(connection.path)).toEqual(['failed', 'authorization_expired']);
  });

  test('404 for a state that is unknown, malformed, or another organisation’s', async () => {
    const connection = await addConnection(service);
    const { state } = await startTrip(service, connection, undefined, 'acme');
    expect((await progress(state, 'acme')).status).toBe('pending');
    for (const path of [state, 'a'.repeat(43), 'short', '%20']) {
      expect(await service.api.get(`/authorizations/${path}`, { organization: 'globex' })).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    }
    expect((await service.api.get(`/authorizations/${state}`)).status).toBe(404);
  });
});

describe('POST /connections/{name}/cancel', () => {
  const cancel = (path: string, body?: unknown, organization?: string) =>
    service.api.post(`${path}/cancel`, body, { organization });

  test('the pending trip is void: its link opens nothing, and whoever waits is told', async () => {
    const connection = await addConnection(service);
    const trip = await startTrip(service, connection);
    expect(await statusOf(connection.path)).toEqual(['waiting_callback', null]);
    expect((await cancel(connection.path)).status).toBe(200);
    expect((await createBrowser().send('GET', new URL(trip.link))).status).toBe(400);
    expect(await progress(trip.state)).toMatchObject({ status: 'failed', status_reason: 'authorization_cancelled' });
    expect(await statusOf(connection.path)).toEqual(['failed', 'authorization_cancelled']);
    expect(await service.api.get(connection.credential)).toMatchObject({
      status: 503,
      body: { connection_status: 'failed', status_reason: 'authorization_cancelled' },
    });
  });

  test('only trips of that subject and that organisation', async () => {
    const connection = await addConnection(service);
    const nobody = await startTrip(service, connection);
    const somebody = await startTrip(service, connection, { subject: 'user-1' });
    const tenant = await startTrip(service, connection, undefined, 'acme');
    expect((await cancel(connection.path, { subject: 'user-1' })).status).toBe(200);
    expect((await progress(somebody.state)).status).toBe('failed');
    expect((await cancel(connection.path, undefined, 'globex')).status).toBe(200);
    expect((await progress(nobody.state)).status).toBe('pending');
    expect((await progress(tenant.state, 'acme')).status).toBe('pending');
  });

  test('200 where none is pending, and a finished trip stays finished', async () => {
    const connection = await addConnection(service);
    await connect(service, connection, 'ada');
    expect((await cancel(connection.path)).status).toBe(200);
    expect(await statusOf(connection.path)).toEqual(['completed', null]);
  });

  test('404 and 400 as elsewhere', async () => {
    expect((await cancel('/connections/absent')).body.code).toBe('connection_not_found');
    const { path } = await addConnection(service);
    expect((await cancel(path, { account_id: 'x' })).body.code).toBe('invalid_request');
  });
});
