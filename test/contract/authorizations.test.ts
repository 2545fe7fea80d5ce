import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, connect, importGrant, startAuthorization } from '../e2e/connections.ts';
import { createBrowser } from '../support/browser/browser.ts';
import { signIn } from '../support/oauth-server/sign-in.ts';
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
  test('starting an authorization returns the link of the broker, its state and its expiry', async () => {
    const connection = await addConnection(service);
    const before = Date.now();
    const { status, body } = await service.api.post(`${connection.path}/authorize`);
    expect(status).toBe(200);
    expect(Object.keys(body).toSorted()).toEqual(['authorization_url', 'expires_at', 'state']);
    expect(body.authorization_url).toBe(`${service.broker.url}/authorize/${body.state}`);
    // 22 characters of base64url hold 128 bits.
    expect(body.state).toMatch(/^[A-Za-z0-9_-]{22,}$/);
    const minutes = (Date.parse(body.expires_at) - before) / 60_000;
    expect(minutes).toBeGreaterThanOrEqual(15);
    expect(minutes).toBeLessThan(16);
  });

  test('an authorization takes all its fields, and each start gives another link', async () => {
    const connection = await addConnection(service);
    const whole = {
      subject: 'user-42',
      account_id: 'acct',
      allow_account_change: true,
      scopes: ['email'],
      return_url: 'https://app.example/done?x=1',
      login_hint: 'ada@example.com',
      prompt: 'login',
      client_state: 'tab=2&x',
      expires_in: 3600,
    };
    const first = await startAuthorization(service, connection, whole);
    const second = await startAuthorization(service, connection, whole);
    expect(second.state).not.toBe(first.state);
    const hop = await createBrowser().send('GET', new URL(first.link));
    const query = hop.location?.searchParams;
    expect(query?.get('scope')?.split(' ')).toEqual(['openid', 'profile', 'offline_access', 'email']);
    expect(query?.get('login_hint')).toBe('ada@example.com');
    expect(query?.get('prompt')).toBe('login');
    expect(query?.get('code_challenge_method')).toBe('S256');
    expect(await progress(first.state)).toEqual({
      status: 'pending',
      status_reason: null,
      next_action: 'authorize',
      error: null,
      error_description: null,
      connection_name: connection.name,
      subject: 'user-42',
      account_id: 'acct',
      account_name: null,
      warnings: [],
    });
  });

  test.each(['client_credentials', 'refresh_token'])(
    'an authorization for the flow %s is refused as flow_not_interactive',
    async (flow) => {
      const connection = await addConnection(service, { body: { oauth_flow_type: flow } });
      const response = await service.api.post(`${connection.path}/authorize`);
      expect(response).toMatchObject({ status: 400, body: { code: 'flow_not_interactive' } });
    },
  );

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
  ])('an authorization with the return_url %j, which is not allowed, is refused', async (return_url) => {
    const connection = await addConnection(service);
    const response = await service.api.post(`${connection.path}/authorize`, { return_url });
    expect(response).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ path: 'return_url' }] },
    });
    expect(await statusOf(connection.path)).toEqual(['not_connected', null]);
  });

  test.each([
    ['subject', { subject: '' }],
    ['subject', { subject: 'a\nb' }],
    ['account_id', { account_id: '' }],
    ['scopes.0', { scopes: ['a b'] }],
    ['allow_account_change', { allow_account_change: 'yes' }],
    ['state', { state: 'chosen' }],
    ['client_state', { client_state: 'x'.repeat(513) }],
    ['expires_in', { expires_in: 59 }],
    ['expires_in', { expires_in: 604_801 }],
    ['expires_in', { expires_in: 90.5 }],
    ['redirect_uri', { redirect_uri: 'https://evil.example' }],
  ])('starting an authorization reports a fault at %s for %j', async (path, body) => {
    const { path: connection } = await addConnection(service);
    const response = await service.api.post(`${connection}/authorize`, body);
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path }] } });
  });

  test('starting an authorization of an absent or foreign connection gives 404', async () => {
    const { path } = await addConnection(service, { organization: 'acme' });
    for (const [target, organization] of [['/connections/absent'], [path], [path, 'globex']]) {
      const response = await service.api.post(`${target}/authorize`, undefined, { organization });
      expect(response).toMatchObject({ status: 404, body: { code: 'connection_not_found' } });
    }
  });

  test('a pending or failed reconnection keeps the valid token', async () => {
    const connection = await addConnection(service);
    const { accessToken } = await importGrant(service, connection, 3600);
    const authorization = await startAuthorization(service, connection);
    expect(await statusOf(connection.path)).toEqual(['completed', null]);
    await signIn(createBrowser(), authorization.link, { login: 'ada', decision: 'deny' });
    expect(await progress(authorization.state)).toMatchObject({ status: 'failed', status_reason: 'user_denied' });
    expect(await statusOf(connection.path)).toEqual(['completed', null]);
    expect((await service.api.get(connection.credential)).body.access_token).toBe(accessToken);
  });
});

describe('GET /authorizations/{state}', () => {
  test('an authorization is pending, then completed', async () => {
    const connection = await addConnection(service);
    const authorization = await startAuthorization(service, connection, { subject: 'user-1' });
    expect(await progress(authorization.state)).toMatchObject({
      status: 'pending',
      status_reason: null,
      account_id: null,
    });
    await signIn(createBrowser(), authorization.link, { login: 'ada' });
    expect(await progress(authorization.state)).toMatchObject({
      status: 'completed',
      status_reason: null,
      subject: 'user-1',
    });
  });

  test('a denied authorization is failed with the reason user_denied', async () => {
    const connection = await addConnection(service);
    const authorization = await startAuthorization(service, connection);
    await signIn(createBrowser(), authorization.link, { login: 'ada', decision: 'deny' });
    expect(await progress(authorization.state)).toEqual({
      status: 'failed',
      status_reason: 'user_denied',
      next_action: 'authorize',
      error: 'access_denied',
      error_description: expect.stringMatching(/^[^\p{C}]{1,200}$/u),
      connection_name: connection.name,
      subject: null,
      account_id: null,
      account_name: null,
      warnings: [],
    });
    expect(await statusOf(connection.path)).toEqual(['failed', 'user_denied']);
  });

  test('an authorization past its expiry is expired', async () => {
    const connection = await addConnection(service);
    const { state } = await startAuthorization(service, connection);
    await service.stack.sql("update authorizations set expires_at = now() - interval '1 second'");
    expect(await progress(state)).toMatchObject({ status: 'expired', status_reason: 'authorization_expired' });
    expect(await statusOf(connection.path)).toEqual(['failed', 'authorization_expired']);
  });

  test('a code exchange under way is pending, also when it outlives the link', async () => {
    const connection = await addConnection(service);
    const { state } = await startAuthorization(service, connection);
    await service.stack.sql("update authorizations set status = 'testing', expires_at = now() - interval '1 second'");
    expect(await progress(state)).toMatchObject({ status: 'pending', status_reason: null, next_action: 'wait' });
    expect(await statusOf(connection.path)).toEqual(['testing', null]);
    await service.stack.sql("update authorizations set expires_at = now() - interval '6 minutes'");
    expect(await progress(state)).toMatchObject({ status: 'expired', next_action: 'authorize' });
    expect(await statusOf(connection.path)).toEqual(['failed', 'authorization_expired']);
  });

  test.each([60, 604_800])('expires_in of %d seconds is the lifetime of the link', async (expires_in) => {
    const { path } = await addConnection(service);
    const before = Date.now();
    const { body } = await service.api.post(`${path}/authorize`, { expires_in });
    const seconds = (Date.parse(body.expires_at) - before) / 1000;
    expect(seconds).toBeGreaterThanOrEqual(expires_in);
    expect(seconds).toBeLessThan(expires_in + 30);
  });

  test.each(['connections:read', 'connections:authorize'])('%s permits reading the progress', async (permission) => {
    const { state } = await startAuthorization(service, await addConnection(service));
    const { key } = (
      await service.api.post('/admin/api-keys', {
        name: 'reader',
        permissions: [permission],
        organizations: '*',
        global: true,
      })
    ).body;
    const { status } = await service.api.get(`/authorizations/${state}`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(status).toBe(200);
  });

  test('the progress of an unknown, malformed or foreign state gives 404', async () => {
    const connection = await addConnection(service);
    const { state } = await startAuthorization(service, connection, undefined, 'acme');
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

  test('cancelling ends the pending authorization: its link stops working and its progress is failed', async () => {
    const connection = await addConnection(service);
    const authorization = await startAuthorization(service, connection);
    expect(await statusOf(connection.path)).toEqual(['waiting_callback', null]);
    expect((await cancel(connection.path)).status).toBe(200);
    expect((await createBrowser().send('GET', new URL(authorization.link))).status).toBe(400);
    expect(await progress(authorization.state)).toMatchObject({
      status: 'failed',
      status_reason: 'authorization_cancelled',
    });
    expect(await statusOf(connection.path)).toEqual(['failed', 'authorization_cancelled']);
    expect(await service.api.get(connection.credential)).toMatchObject({
      status: 503,
      body: { connection_status: 'failed', status_reason: 'authorization_cancelled' },
    });
  });

  test('cancelling affects authorizations of that subject and that organisation only', async () => {
    const connection = await addConnection(service);
    const withoutSubject = await startAuthorization(service, connection);
    const withSubject = await startAuthorization(service, connection, { subject: 'user-1' });
    const ofOrganization = await startAuthorization(service, connection, undefined, 'acme');
    expect((await cancel(connection.path, { subject: 'user-1' })).status).toBe(200);
    expect((await progress(withSubject.state)).status).toBe('failed');
    expect((await cancel(connection.path, undefined, 'globex')).status).toBe(200);
    expect((await progress(withoutSubject.state)).status).toBe('pending');
    expect((await progress(ofOrganization.state, 'acme')).status).toBe('pending');
  });

  test('cancelling without a pending authorization gives 200 and keeps a completed one', async () => {
    const connection = await addConnection(service);
    await connect(service, connection, 'ada');
    expect((await cancel(connection.path)).status).toBe(200);
    expect(await statusOf(connection.path)).toEqual(['completed', null]);
  });

  test('cancelling gives 404 for an absent connection and 400 for an unknown field', async () => {
    expect((await cancel('/connections/absent')).body.code).toBe('connection_not_found');
    const { path } = await addConnection(service);
    expect((await cancel(path, { account_id: 'x' })).body.code).toBe('invalid_request');
  });
});
