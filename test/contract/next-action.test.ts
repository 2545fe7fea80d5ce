import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, type TestConnection } from '../e2e/connections.ts';
import type { ApiResponse } from '../support/http/broker-api.ts';
import { json, type Reply } from '../support/provider/hostile-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService({ PROVIDER_RETRIES: '0' });
});
afterAll(() => service?.close());

/** Adds a connection whose token endpoint sends the scripted replies. */
async function scripted(reply: Reply, body: Record<string, unknown> = {}): Promise<TestConnection> {
  const path = `/${uniqueName('token')}`;
  service.hostile.script(path, reply);
  return addConnection(service, { body: { token_url: `${service.hostile.origin}${path}`, ...body } });
}
async function add({ path }: TestConnection, tokens: Record<string, unknown>): Promise<void> {
  const response = await service.api.post(`${path}/grants`, { access_token: 'stored', ...tokens });
  expect(response.status, response.text).toBe(201);
}
const expired = { refresh_token: 'r', expires_in: 0 };
const calls: [string, (connection: TestConnection, selector: string) => Promise<ApiResponse>][] = [
  ['fetch', ({ credential }, selector) => service.api.get(`${credential}${selector}`)],
  [
    'renew',
    ({ credential }, selector) => service.api.post(`${credential}/renew${selector}`, { rejected_token: 'stored' }),
  ],
  ['refresh', ({ path }, selector) => service.api.post(`${path}/refresh${selector}`)],
  ['test', ({ path }, selector) => service.api.post(`${path}/test${selector}`)],
];
const refused = (error: string, status = 400) => json(status, { error });
const person = { oauth_flow_type: 'authorization_code' };
const machine = { oauth_flow_type: 'client_credentials', scopes: ['read'] };

describe.each(calls)('a refused %s', (_name, call) => {
  test.each<[string, string, string, Reply, Record<string, unknown>, Record<string, unknown> | null, string]>([
    ['an unknown subject', 'grant_not_found', 'authorize', refused('x'), person, null, '?subject=ada'],
    ['a refused refresh token', 'connection_not_ready', 'authorize', refused('invalid_grant'), person, expired, ''],
    ['a refused client', 'connection_not_ready', 'reconfigure', refused('invalid_client', 401), person, expired, ''],
    ['a refused configuration', 'connection_not_ready', 'reconfigure', refused('invalid_scope'), person, expired, ''],
    ['a provider that fails', 'provider_unavailable', 'wait', refused('server_error', 503), person, expired, ''],
    [
      'a refused import',
      'connection_not_ready',
      'reconfigure',
      refused('invalid_grant'),
      { oauth_flow_type: 'refresh_token' },
      expired,
      '',
    ],
  ])('of %s is %s and says %s', async (_case, code, nextAction, reply, body, tokens, selector) => {
    const connection = await scripted(reply, body);
    if (tokens !== null) await add(connection, tokens);
    for (const _ of [1, 2]) {
      const response = await call(connection, selector);
      expect(response.body, response.text).toMatchObject({ code, next_action: nextAction });
      expect(response.headers.has('retry-after')).toBe(nextAction === 'wait');
    }
  });

  test('of a client_credentials connection that is tried again says wait, with Retry-After', async () => {
    const connection = await scripted(refused('server_error', 503), machine);
    const { body, headers } = await call(connection, '');
    expect(body).toMatchObject({ next_action: 'wait', retry_after: expect.any(Number) });
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('of several accounts, and of an absent connection, names its next action', async () => {
    const connection = await scripted(refused('x'), { multi_account: true });
    await add(connection, { expires_in: 3600, account_id: 'a' });
    await add(connection, { expires_in: 3600, account_id: 'b' });
    expect((await call(connection, '')).body).toMatchObject({ code: 'account_ambiguous', next_action: 'none' });
    const absent = { ...connection, path: '/connections/absent', credential: '/credentials/absent' };
    expect((await call(absent, '')).body).toMatchObject({ code: 'connection_not_found', next_action: 'reconfigure' });
  });
});

test('a fetch that lacks a scope, and a min_ttl that no token reaches, name their next action', async () => {
  const connection = await scripted(refused('x'));
  await add(connection, { expires_in: 3600, scopes: ['read'] });
  expect((await service.api.get(`${connection.credential}?scopes=write`)).body).toMatchObject({
    code: 'insufficient_scope',
    next_action: 'authorize',
  });
  expect((await service.api.get(`${connection.credential}?min_ttl=7200`)).body).toMatchObject({
    code: 'min_ttl_unsatisfiable',
    next_action: 'none',
  });
});

test('a connection without a grant says who must act, by its flow and its authorization', async () => {
  const connection = await scripted(refused('x'));
  const fetched = async () => (await service.api.get(connection.credential)).body.next_action;
  expect(await fetched()).toBe('authorize');
  await service.api.post(`${connection.path}/authorize`);
  expect(await fetched()).toBe('authorize');
  await service.stack.sql(
    `update authorizations set status = 'testing' where connection_id in (select id from connections where name = '${connection.name}')`,
  );
  const testing = await service.api.get(connection.credential);
  expect(testing.body).toMatchObject({ connection_status: 'testing', next_action: 'wait' });
  expect(Number(testing.headers.get('retry-after'))).toBeGreaterThan(0);
  const importing = await scripted(refused('x'), { oauth_flow_type: 'refresh_token' });
  expect((await service.api.get(importing.credential)).body.next_action).toBe('reconfigure');
});

test('a credential of a failed grant that still works says what must be done', async () => {
  const connection = await scripted(refused('invalid_grant'));
  await add(connection, { refresh_token: 'r', expires_in: 3600 });
  expect((await service.api.get(connection.credential)).body.next_action).toBe('none');
  await service.api.post(`${connection.path}/refresh`);
  expect((await service.api.get(connection.credential)).body).toMatchObject({
    access_token: 'stored',
    status: 'failed',
    next_action: 'authorize',
  });
});
