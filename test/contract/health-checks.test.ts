import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, importGrant, type TestConnection } from '../e2e/connections.ts';
import { json, type Reply } from '../support/provider/hostile-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

let service: Service;
beforeAll(async () => {
  service = await openService({ PROVIDER_RETRIES: '0' });
});
afterAll(() => service?.close());

const as = { organization: 'acme' };
const check = (id: string) => service.api.post(`/admin/health/check/${id}`);

interface Probed extends TestConnection {
  id: string;
  /** Requests that the API of the provider received. */
  calls: () => number;
}

/** A connection of acme whose test_url answers as scripted. */
async function withApi(...replies: [Reply, ...Reply[]]): Promise<Probed> {
  const path = `/${uniqueName('api')}`;
  service.hostile.script(path, ...replies);
  const body = { test_url: `${service.hostile.origin}${path}`, revocation_url: undefined };
  const connection = await addConnection(service, { ...as, body });
  const { id } = (await service.api.get(connection.path, as)).body as unknown as { id: string };
  const calls = () => service.hostile.received.filter((request) => request.path === path).length;
  return { ...connection, id, calls };
}

const importOf = (connection: TestConnection, subject: string, seconds = 3600) =>
  importGrant(service, connection, seconds, { subject });

test('the check of a grant calls the API of the provider once, and its result is recorded', async () => {
  const connection = await withApi(json(200, { id: 'ada' }));
  const { grantId } = await importOf(connection, 'ada');
  const response = await check(grantId);
  expect(response, response.text).toMatchObject({
    status: 200,
    body: {
      id: grantId,
      kind: 'grant',
      organization_id: 'acme',
      connection_id: connection.id,
      connection_name: connection.name,
      health: 'healthy',
      last_health_check_at: expect.stringMatching(/Z$/),
      error: null,
      next_action: 'none',
      grants: [{ grant_id: grantId, subject: 'ada', status: 'completed', result: 'healthy', reason: null }],
      complete: true,
    },
  });
  expect(connection.calls()).toBe(1);
  expect((await service.api.get(`/admin/grants/${grantId}`)).body).toMatchObject({ health: 'healthy' });
});

test.each([
  [401, 'rejected', 'authorize'],
  [403, 'rejected', 'authorize'],
  [500, 'unavailable', 'wait'],
  [429, 'unavailable', 'wait'],
] as const)(
  'an API that answers %s makes the grant unhealthy: %s, next_action %s',
  async (status, kind, nextAction) => {
    const connection = await withApi(json(status, {}));
    const { grantId } = await importOf(connection, 'ada');
    const { body } = await check(grantId);
    const found = { health: 'unhealthy', error: expect.stringMatching(`^${kind}: `), next_action: nextAction };
    expect(body).toMatchObject({ ...found, grants: [{ ...found, result: 'unhealthy', status: 'completed' }] });
    // The status stays: a health check never fails a grant.
    expect((await service.api.get(connection.path, as)).body).not.toMatchObject({ status: 'failed' });
  },
);

test('a dead grant is unhealthy, and the provider is never called for it', async () => {
  const connection = await withApi(json(200, {}));
  const { grantId } = await importOf(connection, 'ada');
  await service.api.post(`${connection.path}/revoke`, { subject: 'ada' }, as);
  expect((await check(grantId)).body).toMatchObject({
    health: 'unhealthy',
    error: 'failed: revoked',
    next_action: 'authorize',
    grants: [{ result: 'unhealthy', status: 'failed', status_reason: 'revoked' }],
  });
  expect(connection.calls()).toBe(0);
});

test('an expired token is not refreshed: the check is skipped, says why, and keeps the recorded health', async () => {
  const connection = await withApi(json(200, {}));
  const { grantId } = await importOf(connection, 'ada');
  await check(grantId);
  await service.stack.sql(`update grants set expires_at = now() - interval '1 hour' where id = '${grantId}'`);
  const before = service.provider.tokenRequests.length;
  expect((await check(grantId)).body).toMatchObject({
    health: 'healthy',
    grants: [{ result: 'skipped', reason: expect.stringContaining('expired'), health: 'healthy' }],
  });
  expect(service.provider.tokenRequests).toHaveLength(before);
  expect(connection.calls()).toBe(1);
});

test('an API that asked a connection to slow down is left alone until then', async () => {
  const connection = await withApi(json(429, {}, { 'retry-after': '600' }), json(200, {}));
  const first = await importOf(connection, 'ada');
  const second = await importOf(connection, 'bob');
  expect((await check(first.grantId)).body).toMatchObject({ grants: [{ result: 'unhealthy' }] });
  expect((await check(second.grantId)).body).toMatchObject({
    health: null,
    grants: [{ result: 'skipped', reason: expect.stringContaining('slow down') }],
  });
  expect(connection.calls()).toBe(1);
});

test('an API that fails for every grant is called five times, and not again for a minute', async () => {
  const connection = await withApi(json(503, {}));
  for (let n = 0; n < 8; n++) await importOf(connection, `person-${n}`);
  for (let round = 0; round < 2; round++) await check(connection.id);
  // Calls that run when the circuit opens are still made.
  expect(connection.calls()).toBeLessThanOrEqual(5 + 3);
  const { body } = await check(connection.id);
  const results = (body.grants as { result: string; reason: string | null }[]).map(({ reason }) => reason);
  expect(results).toEqual(Array(8).fill(expect.stringContaining('failed several times')));
});

test('the check of a connection checks its first 20 grants, and shows the one that is worst off', async () => {
  const connection = await withApi(json(200, {}), json(401, {}), json(200, {}));
  for (let n = 0; n < 22; n++) await importOf(connection, `person-${n}`);
  const { body } = await check(connection.id);
  expect(body).toMatchObject({
    id: connection.id,
    kind: 'connection',
    organization_id: 'acme',
    health: 'unhealthy',
    error: expect.stringMatching(/^rejected: /),
    next_action: 'authorize',
    complete: false,
  });
  const results = (body.grants as { result: string }[]).map(({ result }) => result);
  expect(results).toHaveLength(20);
  expect(results.filter((result) => result === 'unhealthy')).toHaveLength(1);
  expect(connection.calls()).toBe(20);
});

test('a connection without grants has no health, and says that a person must connect', async () => {
  const connection = await withApi(json(200, {}));
  expect((await check(connection.id)).body).toMatchObject({
    kind: 'connection',
    health: null,
    last_health_check_at: null,
    next_action: 'authorize',
    grants: [],
    complete: true,
  });
});

test('a grant without a known test call is skipped', async () => {
  const connection = await addConnection(service, { ...as, body: { test_url: undefined } });
  const { grantId } = await importOf(connection, 'ada');
  expect((await check(grantId)).body).toMatchObject({
    health: null,
    grants: [{ result: 'skipped', reason: expect.stringContaining('No call is known') }],
  });
});

test('ids of other organisations, unknown ids and nonsense get the same 404, and nothing is sent', async () => {
  const connection = await withApi(json(200, {}));
  const { grantId } = await importOf(connection, 'ada');
  const { api } = await service.newKey({ organizations: ['other'], global: false });
  const answers = [];
  for (const id of [grantId, connection.id, '00000000-0000-7000-8000-000000000000', 'nonsense']) {
    const { status, body } = await api.post(`/admin/health/check/${id}`);
    answers.push([status, { ...body, instance: '' }]);
  }
  expect(answers[0]).toMatchObject([404, { code: 'connection_not_found' }]);
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(connection.calls()).toBe(0);
});

test('below a global connection only the grants within the reach of the caller are checked', async () => {
  const path = `/${uniqueName('api')}`;
  service.hostile.script(path, json(200, {}));
  const body = { test_url: `${service.hostile.origin}${path}`, revocation_url: undefined };
  const global = await addConnection(service, { body });
  const { id } = (await service.api.get(global.path)).body as unknown as { id: string };
  for (const organization of ['acme', 'other']) await importGrant(service, { ...global, organization }, 3600);
  await importGrant(service, global, 3600);
  const ownersFor = async (right: Record<string, unknown>) => {
    const { api } = await service.newKey(right);
    const { body: report } = await api.post(`/admin/health/check/${id}`);
    return (report.grants as { organization_id: string | null }[]).map(({ organization_id }) => organization_id);
  };
  expect(await ownersFor({ organizations: ['acme'], global: true })).toEqual([null, 'acme']);
  expect(await ownersFor({ organizations: [], global: true })).toEqual([null]);
  expect(await ownersFor({})).toEqual([null, 'acme', 'other']);
  expect(service.hostile.received.filter((request) => request.path === path)).toHaveLength(6);
});
