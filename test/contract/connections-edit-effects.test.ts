import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addConnection,
  importGrant,
  startAuthorization,
  type TestConnection,
  walkToCallback,
} from '../e2e/connections.ts';
import { json } from '../support/provider/hostile-provider.ts';
import { openService, type Service } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService();
});
afterAll(() => service?.close());

const patch = ({ path }: TestConnection, body: unknown) => service.api.patch(`${path}?confirm_disconnect=true`, body);
const fetchFrom = ({ credential }: TestConnection) => service.api.get(credential);
const requestsOf = (connection: TestConnection) =>
  service.provider.tokenRequests.filter(({ clientId }) => clientId === connection.clientId).length;

async function connected(body?: Record<string, unknown>) {
  const connection = await addConnection(service, { ...(body && { body }) });
  return { connection, ...(await importGrant(service, connection, 3600)) };
}

const destinationChanges: [field: string, change: Record<string, unknown>][] = [
  ['provider', { provider: 'github' }],
  ['oauth_flow_type', { oauth_flow_type: 'client_credentials' }],
  ['client_id', { client_id: 'another' }],
  ['authorization_url', { authorization_url: 'https://elsewhere.example/authorize' }],
  ['token_url', { token_url: 'https://elsewhere.example/token' }],
  ['variables', { variables: { issuer: 'https://elsewhere.example' } }],
  ['token_auth_method', { token_auth_method: 'client_secret_post' }],
];

describe('a change of where secrets and tokens are sent', () => {
  test.each(destinationChanges)(
    'a change of %s without the client secret is refused and changes nothing',
    async (field, change) => {
      const { connection, accessToken } = await connected();
      const before = (await service.api.get(connection.path)).body;
      // A health check of the running worker can run between the two reads.
      const { health_status: _, ...unchanged } = before;
      const response = await patch(connection, change);
      expect(response).toMatchObject({ status: 400, body: { code: 'client_secret_required' } });
      expect(response.body.changed).toContain(field);
      expect((await service.api.get(connection.path)).body).toMatchObject(unchanged);
      expect((await fetchFrom(connection)).body.access_token).toBe(accessToken);
    },
  );

  test.each(destinationChanges.filter(([field]) => field !== 'oauth_flow_type'))(
    'a change of %s with the client secret deletes the tokens of every organisation and gives the reason',
    async (_field, change) => {
      const { connection } = await connected();
      await importGrant(service, { ...connection, organization: 'acme' }, 3600);
      const { status, body } = await patch(connection, { ...change, client_secret: connection.clientSecret });
      expect(status).toBe(200);
      expect(body).toMatchObject({ status: 'not_connected', status_reason: 'configuration_changed', expires_at: null });
      for (const organization of [undefined, 'acme']) {
        expect(await service.api.get(connection.credential, { organization })).toMatchObject({
          status: 503,
          body: {
            code: 'connection_not_ready',
            connection_status: 'not_connected',
            status_reason: 'configuration_changed',
          },
        });
      }
    },
  );

  test('a PUT that changes a destination needs the client secret too', async () => {
    const { connection } = await connected();
    const { client_id, authorization_url, token_url, revocation_url } = (await service.api.get(connection.path)).body;
    const body = { client_id, authorization_url, token_url, revocation_url, provider: 'github' };
    const response = await service.api.call('PUT', `${connection.path}?confirm_disconnect=true`, { body });
    expect(response).toMatchObject({ status: 400, body: { code: 'client_secret_required' } });
    expect(response.body.changed).toContain('provider');
  });

  test('a change of destination cancels pending authorizations: their callbacks exchange no code', async () => {
    const connection = await addConnection(service);
    const authorization = await startAuthorization(service, connection);
    const { browser, callback } = await walkToCallback(authorization);
    const unopened = await startAuthorization(service, connection);
    await patch(connection, { token_url: `${service.provider.issuer}/other`, client_secret: connection.clientSecret });
    const spent = requestsOf(connection);
    expect((await browser.send('GET', callback)).status).toBe(400);
    expect((await browser.send('GET', new URL(unopened.link))).status).toBe(400);
    expect(requestsOf(connection)).toBe(spent);
    for (const { state } of [authorization, unopened]) {
      expect((await service.api.get(`/authorizations/${state}`)).body).toMatchObject({
        status: 'failed',
        status_reason: 'configuration_changed',
      });
    }
  });

  test('a client_credentials connection gets a token from the new token_url at once', async () => {
    service.hostile.script('/old', json(200, { access_token: 'old', token_type: 'Bearer', expires_in: 3600 }));
    service.hostile.script('/new', json(200, { access_token: 'new', token_type: 'Bearer', expires_in: 3600 }));
    const connection = await addConnection(service, {
      body: { ...machine, token_url: `${service.hostile.origin}/old` },
    });
    expect((await fetchFrom(connection)).body.access_token).toBe('old');
    const change = { token_url: `${service.hostile.origin}/new`, client_secret: 'again' };
    expect((await patch(connection, change)).body).toMatchObject({ status: 'completed', status_reason: null });
    expect((await fetchFrom(connection)).body.access_token).toBe('new');
  });
});

describe('a change of the secret alone', () => {
  test('a change of the client secret alone keeps the tokens and pending authorizations', async () => {
    const { connection, accessToken } = await connected();
    const { state } = await startAuthorization(service, connection);
    const { status, body } = await patch(connection, { client_secret: 'rotated' });
    expect(status).toBe(200);
    expect(body.status).toBe('completed');
    expect((await fetchFrom(connection)).body.access_token).toBe(accessToken);
    expect((await service.api.get(`/authorizations/${state}`)).body.status).toBe('pending');
  });

  test('a new client secret clears the failure client_rejected', async () => {
    const connection = await addConnection(service, { body: { client_secret: 'wrong' } });
    await importGrant(service, connection, 0);
    await service.api.post(`${connection.path}/refresh`);
    const failed = { status: 'failed', status_reason: 'client_rejected' };
    expect((await service.api.get(connection.path)).body).toMatchObject(failed);
    const { body } = await patch(connection, { client_secret: connection.clientSecret });
    expect(body).toMatchObject({ status: 'completed', status_reason: null });
    expect((await service.api.post(`${connection.path}/refresh`)).status).toBe(200);
  });

  test('the stored client secret sent again clears it too, and the ETag stays', async () => {
    const connection = await addConnection(service, { body: { client_secret: 'wrong' } });
    await importGrant(service, connection, 0);
    await service.api.post(`${connection.path}/refresh`);
    const before = await service.api.get(connection.path);
    expect(before.body).toMatchObject({ status: 'failed', status_reason: 'client_rejected' });
    expect((await fetchFrom(connection)).body).toMatchObject({ status_reason: 'client_rejected' });
    const after = await patch(connection, { client_secret: 'wrong' });
    expect(after.body).toMatchObject({ status: 'completed', updated_at: before.body.updated_at });
    expect(after.headers.get('etag')).toBe(before.headers.get('etag'));
  });
});

describe('any other change keeps the tokens', () => {
  test.each<[string, Record<string, unknown>]>([
    ['scopes', { scopes: ['openid'] }],
    ['authorize_params', { authorize_params: { prompt: 'login' } }],
    ['token_params', { token_params: { resource: 'https://api.example' } }],
    ['test_url', { test_url: 'https://elsewhere.example/me' }],
    ['revocation_url', { revocation_url: 'https://elsewhere.example/revoke' }],
    ['description', { description: 'text' }],
    ['share_with_organizations', { share_with_organizations: false }],
    ['multi_account', { multi_account: true }],
  ])('a change of %s keeps the tokens', async (field, change) => {
    const { connection, accessToken } = await connected();
    const { status, body } = await patch(connection, change);
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'completed' });
    expect(JSON.stringify(body[field])).toContain(JSON.stringify(Object.values(change)[0]).slice(1, -1));
    expect((await fetchFrom(connection)).body.access_token).toBe(accessToken);
  });

  test('a change of scopes gives a client_credentials connection a new token at once', async () => {
    const connection = await addConnection(service, { body: machine });
    const before = (await fetchFrom(connection)).body.access_token;
    await patch(connection, { scopes: [] });
    expect((await fetchFrom(connection)).body.access_token).not.toBe(before);
  });

  test('multi_account cannot be disabled while a subject has several accounts', async () => {
    const connection = await addConnection(service, { body: { multi_account: true } });
    await importGrant(service, connection, 3600, { account_id: 'a' });
    expect((await patch(connection, { multi_account: false })).status).toBe(200);
    expect((await patch(connection, { multi_account: true })).status).toBe(200);
    await importGrant(service, connection, 3600, { account_id: 'b' });
    const response = await patch(connection, { multi_account: false });
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path: 'multi_account' }] } });
    expect((await service.api.get(connection.path)).body.multi_account).toBe(true);
  });
});

const machine = {
  oauth_flow_type: 'client_credentials',
  scopes: ['calendar'],
  authorization_url: undefined,
  test_url: undefined,
  authorize_params: undefined,
};
