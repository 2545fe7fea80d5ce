import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, type TestConnection } from '../e2e/connections.ts';
import { hang, json, type Reply } from '../support/hostile-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService({ PROVIDER_TIMEOUT_MS: '500', PROVIDER_CALL_CAP_MS: '1500', PROVIDER_RETRIES: '0' });
});
afterAll(() => service?.close());

/** A grant at a provider that answers as it is told. */
async function held(tokens: Record<string, unknown>, ...replies: [Reply, ...Reply[]]) {
  const path = `/${uniqueName('token')}`;
  service.hostile.script(path, ...replies);
  const body = { token_url: `${service.hostile.origin}${path}`, revocation_url: undefined };
  const connection = await addConnection(service, { body });
  const answer = await service.api.post(`${connection.path}/grants`, { access_token: 'held', ...tokens });
  expect(answer.status, answer.text).toBe(201);
  const asked = () => service.hostile.received.filter((request) => request.path === path).length;
  return { connection, asked };
}
const fetchFrom = ({ credential }: TestConnection, query = '') => service.api.get(`${credential}${query}`);
const granted = (more: Record<string, unknown> = {}) =>
  json(200, { access_token: 'fresh', token_type: 'Bearer', expires_in: 3600, ...more });
const down = json(503, { error: 'temporarily_unavailable' });
const unavailable = { status: 503, body: { code: 'provider_unavailable' } };

describe('a fetch', () => {
  test('of an expired token waits for a new one, and tells what came with it', async () => {
    const { connection, asked } = await held({ refresh_token: 'r', expires_in: 0 }, granted({ scope: 'read' }));
    const { status, body } = await fetchFrom(connection);
    expect(status).toBe(200);
    expect(body).toMatchObject({ access_token: 'fresh', scopes: ['read'], status: 'completed' });
    expect(Date.parse(body.expires_at)).toBeGreaterThan(Date.now() + 3_500_000);
    expect((await fetchFrom(connection)).body.access_token).toBe('fresh');
    expect(asked()).toBe(1);
  });

  test('of a token that lives on asks nobody', async () => {
    const { connection, asked } = await held({ refresh_token: 'r', expires_in: 3600 }, granted());
    expect((await fetchFrom(connection)).body.access_token).toBe('held');
    expect(asked()).toBe(0);
  });

  test('of a token with less than the skew of clocks left is refreshed first', async () => {
    const { connection } = await held({ refresh_token: 'r', expires_in: 4 }, granted());
    expect((await fetchFrom(connection)).body.access_token).toBe('fresh');
  });

  test.each<[string, Reply]>([
    ['503', down],
    ['429', json(429, { error: 'slow_down' }, { 'retry-after': '30' })],
    ['a page', json(404, {})],
    ['no answer', hang],
    ['half a token', json(200, { access_token: 'bad\ntoken' })],
  ])(
    'of an expired token, the provider answering %s: 503 provider_unavailable with Retry-After',
    async (_what, reply) => {
      const { connection, asked } = await held({ refresh_token: 'r', expires_in: 0 }, reply);
      expect(await fetchFrom(connection)).toMatchObject(unavailable);
      const before = asked();
      expect(await fetchFrom(connection)).toMatchObject(unavailable);
      // Until retry_at nobody asks again.
      expect(asked()).toBe(before);
      expect((await service.api.get(connection.path)).body.status).toBe('completed');
    },
  );

  test.each<[string, Reply, string]>([
    ['invalid_grant', json(400, { error: 'invalid_grant' }), 'reauthorization_required'],
    ['invalid_client', json(401, { error: 'invalid_client' }), 'client_rejected'],
    ['invalid_scope', json(400, { error: 'invalid_scope' }), 'configuration_rejected'],
  ])(
    'of an expired token, the provider answering %s: 503 connection_not_ready with the reason',
    async (_code, reply, reason) => {
      const { connection } = await held({ refresh_token: 'r', expires_in: 0 }, reply);
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
    },
  );

  test('of a failed grant whose token lives on is served, saying so', async () => {
    const { connection } = await held({ refresh_token: 'r', expires_in: 3600 }, json(400, { error: 'invalid_grant' }));
    await service.api.post(`${connection.path}/refresh`);
    expect(await fetchFrom(connection)).toMatchObject({
      status: 200,
      body: { access_token: 'held', status: 'failed', status_reason: 'reauthorization_required' },
    });
  });
});

describe('min_ttl', () => {
  test('is met by what is held, else by a refresh', async () => {
    const { connection, asked } = await held({ refresh_token: 'r', expires_in: 1800 }, granted(), granted());
    expect((await fetchFrom(connection, '?min_ttl=1700')).body.access_token).toBe('held');
    expect(asked()).toBe(0);
    await service.api.post(`${connection.path}/refresh`);
    expect((await fetchFrom(connection, '?min_ttl=3500')).body.access_token).toBe('fresh');
  });

  test('a shorter life than asked is refreshed, once', async () => {
    const { connection, asked } = await held({ refresh_token: 'r', expires_in: 0 }, granted());
    await fetchFrom(connection);
    await service.stack.sql(
      `update grants set expires_at = now() + interval '10 minutes' where connection_id in (select id from connections where name = '${connection.name}')`,
    );
    expect((await fetchFrom(connection, '?min_ttl=300')).status).toBe(200);
    expect(asked()).toBe(1);
    const { body } = await fetchFrom(connection, '?min_ttl=1200');
    expect(Date.parse(body.expires_at)).toBeGreaterThan(Date.now() + 1_200_000);
    expect(asked()).toBe(2);
  });

  test('more than the last lifetime seen: 400 with that lifetime, without a provider call', async () => {
    const { connection, asked } = await held({ refresh_token: 'r', expires_in: 0 }, granted());
    await fetchFrom(connection);
    expect(await fetchFrom(connection, '?min_ttl=3601')).toMatchObject({
      status: 400,
      body: { code: 'min_ttl_unsatisfiable', lifetime: 3600 },
    });
    expect(asked()).toBe(1);
  });

  test('an unknown expiry, or nothing to refresh with: 400 likewise, and without min_ttl the token', async () => {
    const unknown = await held({ refresh_token: 'r' }, granted());
    expect(await fetchFrom(unknown.connection, '?min_ttl=1')).toMatchObject({
      status: 400,
      body: { code: 'min_ttl_unsatisfiable', lifetime: null },
    });
    expect((await fetchFrom(unknown.connection)).body.access_token).toBe('held');
    const fixed = await held({ expires_in: 600 }, granted());
    expect((await fetchFrom(fixed.connection, '?min_ttl=1200')).body.code).toBe('min_ttl_unsatisfiable');
    expect((await fetchFrom(fixed.connection, '?min_ttl=300')).status).toBe(200);
    expect(unknown.asked() + fixed.asked()).toBe(0);
  });

  test('the provider down and less left than asked: 503, and without min_ttl the token', async () => {
    const { connection } = await held({ refresh_token: 'r', expires_in: 0 }, granted(), down);
    await fetchFrom(connection);
    await service.stack.sql(
      `update grants set expires_at = now() + interval '10 minutes' where connection_id in (select id from connections where name = '${connection.name}')`,
    );
    for (const _ of [1, 2]) expect(await fetchFrom(connection, '?min_ttl=1200')).toMatchObject(unavailable);
    expect(await fetchFrom(connection)).toMatchObject({ status: 200, body: { access_token: 'fresh' } });
  });

  test('a provider that gives shorter tokens than it did: the answer says so', async () => {
    const { connection } = await held({ refresh_token: 'r', expires_in: 0 }, granted(), granted({ expires_in: 60 }));
    await fetchFrom(connection);
    await service.stack.sql(
      `update grants set expires_at = now() + interval '1 minute' where connection_id in (select id from connections where name = '${connection.name}')`,
    );
    expect(await fetchFrom(connection, '?min_ttl=1200')).toMatchObject({
      status: 400,
      body: { code: 'min_ttl_unsatisfiable', lifetime: 60 },
    });
  });

  test.each(['-1', '1.5', 'soon', '99999999999', '1&min_ttl=2'])('400 for min_ttl=%s', async (value) => {
    const answer = await fetchFrom(await addConnection(service), `?min_ttl=${value}`);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'query.min_ttl' }] } });
  });
});
