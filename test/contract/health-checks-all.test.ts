import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { addConnection, importGrant } from '../e2e/connections.ts';
import { json } from '../support/provider/hostile-provider.ts';
import { openService, type Service, uniqueName } from './service.ts';

interface Run {
  id: string;
  state: string;
  requested_at: string;
  started_at: string | null;
  finished_at: string | null;
  total: number | null;
  checked: number | null;
  healthy: number | null;
  unhealthy: number | null;
  skipped: number | null;
}

const patience = { timeout: 30_000, interval: 50 };

let service: Service;
let waiting: ServerResponse[] = [];
const apiPath = `/${uniqueName('api')}`;
beforeAll(async () => {
  service = await openService({ PROVIDER_RETRIES: '0' });
  service.hostile.script(apiPath, json(200, {}));
});
afterEach(() => {
  release();
});
afterAll(() => service?.close());

function release(): void {
  for (const response of waiting) response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  waiting = [];
}

const stats = async (api = service.api) => {
  const response = await api.get('/admin/health/stats');
  expect(response.status, response.text).toBe(200);
  return response.body as unknown as { last_run: Run | null; healthy: number; unhealthy: number; unchecked: number };
};
const lastRun = async () => (await stats()).last_run;
const finished = () => expect.poll(async () => (await lastRun())?.state, patience).toBe('finished');
const request = async () => {
  const response = await service.api.post('/admin/health/check-all');
  expect(response.status, response.text).toBe(202);
  return response.body as unknown as Run;
};

test('before the first check of all, every grant is unchecked and there is no run', async () => {
  // The hourly check runs at the start, and again long after the end of these tests.
  await expect.poll(() => service.broker.logs(), patience).toContain('health checks finished');
  const body = { test_url: `${service.hostile.origin}${apiPath}`, revocation_url: undefined };
  for (const organization of ['acme', 'other']) {
    const connection = await addConnection(service, { organization, body });
    for (const subject of ['ada', 'bob']) await importGrant(service, connection, 3600, { subject });
  }
  // No call is known that would test its grant.
  const untestable = await addConnection(service, { organization: 'acme', body: { test_url: undefined } });
  await importGrant(service, untestable, 3600);
  expect(await stats()).toEqual({ total: 5, healthy: 0, unhealthy: 0, unchecked: 5, last_run: null });
});

test('a check of all checks each grant once, and its numbers and those of the statistics agree', async () => {
  const { id } = await request();
  await finished();
  expect(await lastRun()).toMatchObject({
    id,
    total: 5,
    checked: 4,
    healthy: 4,
    unhealthy: 0,
    skipped: 1,
    seconds: expect.any(Number),
  });
  expect(await stats()).toMatchObject({ total: 5, healthy: 4, unhealthy: 0, unchecked: 1 });
  expect(service.hostile.received.filter(({ path }) => path === apiPath)).toHaveLength(4);
});

test('while a check runs, further requests return it, and its progress is shown; the next one is another', async () => {
  service.hostile.script(apiPath, (response) => void waiting.push(response));
  const first = await request();
  await expect.poll(() => waiting.length, patience).toBe(4);
  const [second, third] = await Promise.all([request(), request()]);
  expect([second, third]).toMatchObject([
    { id: first.id, state: 'running', finished_at: null },
    { id: first.id, state: 'running', finished_at: null },
  ]);
  expect(await lastRun()).toMatchObject({ id: first.id, state: 'running', total: 5, started_at: expect.any(String) });
  service.hostile.script(apiPath, json(401, {}));
  release();
  await finished();
  expect(await lastRun()).toMatchObject({ id: first.id, checked: 4, healthy: 4 });

  const next = await request();
  expect(next.id).not.toBe(first.id);
  await finished();
  expect(await lastRun()).toMatchObject({ id: next.id, checked: 4, healthy: 0, unhealthy: 4 });
  expect(await stats()).toMatchObject({ healthy: 0, unhealthy: 4, unchecked: 1 });
});

test('requests at the same moment make one check', async () => {
  service.hostile.script(apiPath, (response) => void waiting.push(response));
  const runs = await Promise.all(Array.from({ length: 8 }, request));
  expect(new Set(runs.map(({ id }) => id)).size).toBe(1);
  await expect.poll(() => waiting.length, patience).toBe(4);
  service.hostile.script(apiPath, json(200, {}));
  release();
  await finished();
});

test('the statistics of a caller count its organisations only, and hide the numbers of the run', async () => {
  for (const [right, total] of [
    [{ organizations: ['other'], global: false }, 2],
    [{ organizations: ['acme', 'other'], global: true }, 5],
    [{ organizations: '*', global: false }, 5],
    [{ organizations: ['nowhere'], global: false }, 0],
  ] as const) {
    const { api } = await service.newKey({ permissions: ['admin:read'], ...right });
    expect(await stats(api)).toMatchObject({
      total,
      last_run: { state: 'finished', total: null, checked: null, healthy: null, unhealthy: null, skipped: null },
    });
  }
});

test.each([
  { organizations: ['acme'], global: true },
  { organizations: '*', global: false },
])('a key with %o may not check all', async (rights) => {
  const { api } = await service.newKey(rights);
  expect(await api.post('/admin/health/check-all', undefined, { organization: 'acme' })).toMatchObject({ status: 403 });
});
