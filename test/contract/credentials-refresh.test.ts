import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, type TestConnection } from '../e2e/connections.ts';
import { hang, json, type Reply } from '../support/provider/hostile-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService({ PROVIDER_TIMEOUT_MS: '500', PROVIDER_CALL_CAP_MS: '1500', PROVIDER_RETRIES: '0' });
});
afterAll(() => service?.close());

/** Imports a grant whose provider sends the scripted replies. Counts its token requests. */
async function grantWith(tokens: Record<string, unknown>, ...replies: [Reply, ...Reply[]]) {
  const path = `/${uniqueName('token')}`;
  service.hostile.script(path, ...replies);
  const body = { token_url: `${service.hostile.origin}${path}`, revocation_url: undefined };
  const connection = await addConnection(service, { body });
  const response = await service.api.post(`${connection.path}/grants`, { access_token: 'stored', ...tokens });
  expect(response.status, response.text).toBe(201);
  const tokenRequests = () => service.hostile.received.filter((request) => request.path === path).length;
  return { connection, tokenRequests };
}
const fetchFrom = ({ credential }: TestConnection, query = '') => service.api.get(`${credential}${query}`);
const granted = (more: Record<string, unknown> = {}) =>
  json(200, { access_token: 'fresh', token_type: 'Bearer', expires_in: 3600, ...more });
const down = json(503, { error: 'temporarily_unavailable' });
const unavailable = { status: 503, body: { code: 'provider_unavailable' } };

describe('refresh on a credential request', () => {
  test('a request for an expired token waits for the refresh and returns its scopes and expiry', async () => {
    const { connection, tokenRequests } = await grantWith(
      { refresh_token: 'r', expires_in: 0 },
      granted({ scope: 'read' }),
    );
    const { status, body } = await fetchFrom(connection);
    expect(status).toBe(200);
    expect(body).toMatchObject({ access_token: 'fresh', scopes: ['read'], status: 'completed' });
    expect(Date.parse(body.expires_at)).toBeGreaterThan(Date.now() + 3_500_000);
    expect((await fetchFrom(connection)).body.access_token).toBe('fresh');
    expect(tokenRequests()).toBe(1);
  });

  test('a request for a valid token calls no provider', async () => {
    const { connection, tokenRequests } = await grantWith({ refresh_token: 'r', expires_in: 3600 }, granted());
    expect((await fetchFrom(connection)).body.access_token).toBe('stored');
    expect(tokenRequests()).toBe(0);
  });

  test('a token with less than the clock skew left is refreshed first', async () => {
    const { connection } = await grantWith({ refresh_token: 'r', expires_in: 4 }, granted());
    expect((await fetchFrom(connection)).body.access_token).toBe('fresh');
  });

  test.each<[string, Reply]>([
    ['503', down],
    ['429', json(429, { error: 'slow_down' }, { 'retry-after': '30' })],
    ['404', json(404, {})],
    ['no response', hang],
    ['a malformed token', json(200, { access_token: 'bad\ntoken' })],
  ])('a refresh that ends with %s gives 503 provider_unavailable with Retry-After', async (_name, reply) => {
    const { connection, tokenRequests } = await grantWith({ refresh_token: 'r', expires_in: 0 }, reply);
    expect(await fetchFrom(connection)).toMatchObject(unavailable);
    const before = tokenRequests();
    expect(await fetchFrom(connection)).toMatchObject(unavailable);
    // No second call to the provider before retry_at.
    expect(tokenRequests()).toBe(before);
    expect((await service.api.get(connection.path)).body.status).toBe('completed');
  });

  test.each<[string, Reply, string]>([
    ['invalid_grant', json(400, { error: 'invalid_grant' }), 'reauthorization_required'],
    ['invalid_client', json(401, { error: 'invalid_client' }), 'client_rejected'],
    ['invalid_scope', json(400, { error: 'invalid_scope' }), 'configuration_rejected'],
  ])('a refresh refused with %s gives 503 connection_not_ready with the reason', async (_code, reply, reason) => {
    const { connection } = await grantWith({ refresh_token: 'r', expires_in: 0 }, reply);
    for (const _ of [1, 2]) {
      const { status, body } = await fetchFrom(connection);
      expect(status).toBe(503);
      expect(body).toMatchObject({
        code: 'connection_not_ready',
        connection_status: 'failed',
        status_reason: reason,
      });
      expect(body.status_message).toEqual(expect.any(String));
    }
  });

  test('a failed grant whose token is still valid is served with status failed', async () => {
    const { connection } = await grantWith(
      { refresh_token: 'r', expires_in: 3600 },
      json(400, { error: 'invalid_grant' }),
    );
    await service.api.post(`${connection.path}/refresh`);
    expect(await fetchFrom(connection)).toMatchObject({
      status: 200,
      body: { access_token: 'stored', status: 'failed', status_reason: 'reauthorization_required' },
    });
  });
});

describe('min_ttl', () => {
  test('min_ttl is met by the stored token, otherwise by a refreshed one', async () => {
    const { connection, tokenRequests } = await grantWith(
      { refresh_token: 'r', expires_in: 1800 },
      granted(),
      granted(),
    );
    expect((await fetchFrom(connection, '?min_ttl=1700')).body.access_token).toBe('stored');
    expect(tokenRequests()).toBe(0);
    await service.api.post(`${connection.path}/refresh`);
    expect((await fetchFrom(connection, '?min_ttl=3500')).body.access_token).toBe('fresh');
  });

  test('a token that lives shorter than min_ttl is refreshed once', async () => {
    const { connection, tokenRequests } = await grantWith({ refresh_token: 'r', expires_in: 0 }, granted());
    await fetchFrom(connection);
    await service.stack.sql(
      `update grants set expires_at = now() + interval '10 minutes' where connection_id in (select id from connections where name = '${connection.name}')`,
    );
    expect((await fetchFrom(connection, '?min_ttl=300')).status).toBe(200);
    expect(tokenRequests()).toBe(1);
    const { body } = await fetchFrom(connection, '?min_ttl=1200');
    expect(Date.parse(body.expires_at)).toBeGreaterThan(Date.now() + 1_200_000);
    expect(tokenRequests()).toBe(2);
  });

  test('min_ttl above the longest known lifetime gives 400 with that lifetime, without a provider call', async () => {
    const { connection, tokenRequests } = await grantWith({ refresh_token: 'r', expires_in: 0 }, granted());
    await fetchFrom(connection);
    expect(await fetchFrom(connection, '?min_ttl=3601')).toMatchObject({
      status: 400,
      body: { code: 'min_ttl_unsatisfiable', lifetime: 3600 },
    });
    expect(tokenRequests()).toBe(1);
  });

  test('min_ttl gives 400 for an unknown expiry or a grant without a refresh token; without min_ttl the token is served', async () => {
    const unknown = await grantWith({ refresh_token: 'r' }, granted());
    expect(await fetchFrom(unknown.connection, '?min_ttl=1')).toMatchObject({
      status: 400,
      body: { code: 'min_ttl_unsatisfiable', lifetime: null },
    });
    expect((await fetchFrom(unknown.connection)).body.access_token).toBe('stored');
    const fixed = await grantWith({ expires_in: 600 }, granted());
    expect((await fetchFrom(fixed.connection, '?min_ttl=1200')).body.code).toBe('min_ttl_unsatisfiable');
    expect((await fetchFrom(fixed.connection, '?min_ttl=300')).status).toBe(200);
    expect(unknown.tokenRequests() + fixed.tokenRequests()).toBe(0);
  });

  test('min_ttl gives 503 when the provider is unavailable; without min_ttl the token is served', async () => {
    const { connection } = await grantWith({ refresh_token: 'r', expires_in: 0 }, granted(), down);
    await fetchFrom(connection);
    await service.stack.sql(
      `update grants set expires_at = now() + interval '10 minutes' where connection_id in (select id from connections where name = '${connection.name}')`,
    );
    for (const _ of [1, 2]) expect(await fetchFrom(connection, '?min_ttl=1200')).toMatchObject(unavailable);
    expect(await fetchFrom(connection)).toMatchObject({ status: 200, body: { access_token: 'fresh' } });
  });

  test('min_ttl gives 503 when the refreshed token lives shorter than before, and the next fetch calls again', async () => {
    const { connection, tokenRequests } = await grantWith(
      { refresh_token: 'r', expires_in: 0 },
      granted(),
      granted({ expires_in: 60 }),
      granted(),
    );
    await fetchFrom(connection);
    await service.stack.sql(
      `update grants set expires_at = now() + interval '1 minute' where connection_id in (select id from connections where name = '${connection.name}')`,
    );
    expect(await fetchFrom(connection, '?min_ttl=1200')).toMatchObject(unavailable);
    expect(await fetchFrom(connection, '?min_ttl=1200')).toMatchObject({ status: 200 });
    expect(tokenRequests()).toBe(3);
  });

  test('an import with little life left is refreshed for min_ttl, because its lifetime is unknown', async () => {
    const { connection, tokenRequests } = await grantWith({ refresh_token: 'r', expires_in: 30 }, granted());
    expect((await fetchFrom(connection, '?min_ttl=600')).body.access_token).toBe('fresh');
    expect(tokenRequests()).toBe(1);
  });

  test.each(['-1', '1.5', 'soon', '99999999999', '1&min_ttl=2'])('min_ttl=%s is refused', async (value) => {
    const response = await fetchFrom(await addConnection(service), `?min_ttl=${value}`);
    expect(response).toMatchObject({ status: 400, body: { errors: [{ path: 'query.min_ttl' }] } });
  });
});
