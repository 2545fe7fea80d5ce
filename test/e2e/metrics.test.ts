import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTcpProxy, type TcpProxy } from '../support/faults/tcp-proxy.ts';
import { createApi } from '../support/http/broker-api.ts';
import { sumOf } from '../support/monitoring/exposition.ts';
import { createTestDatabase } from '../support/postgres/database.ts';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { testEnvironment } from './world.ts';

const adminKey = randomBytes(32).toString('base64url');
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let proxy: TcpProxy;
let api: BrokerProcess;
let worker: BrokerProcess;
let key: string;
const folders = [createDataDir(), createDataDir()];

const start = (role: string, dataDir: string, databaseUrl: string) =>
  startBroker({
    dataDir,
    env: {
      ...testEnvironment,
      ROLE: role,
      DATABASE_URL: databaseUrl,
      ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
      ADMIN_API_KEY: adminKey,
    },
  });

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await createTcpProxy(database.url);
  api = await start('all', folders[0]?.path ?? '', proxy.url);
  worker = await start('worker', folders[1]?.path ?? '', database.url);
  const rights = { name: 'prometheus', permissions: ['admin:read'], organizations: '*', global: true };
  key = String((await createApi(api.url, adminKey).post('/admin/api-keys', rights)).body.key);
});
afterAll(async () => {
  for (const broker of [api, worker]) await broker?.stop();
  await proxy?.close();
  await database?.drop();
  for (const folder of folders) await folder.remove();
});

const scrape = async (broker: BrokerProcess, bearer = key) => createApi(broker.url, bearer).get('/metrics');

test('a worker serves its own metrics to the same key, and no other route of the API', async () => {
  const page = await scrape(worker);
  expect(page.status, page.text).toBe(200);
  expect(sumOf(page.text, 'token_broker_ready')).toBe(1);
  const counted = async () => sumOf((await scrape(worker)).text, 'token_broker_workers');
  await expect.poll(counted, { timeout: 20_000 }).toBe(2);
  expect((await createApi(worker.url, adminKey).get('/connections')).status).toBe(404);
});

test('a worker refuses a caller without the right', async () => {
  const { body } = await createApi(api.url, adminKey).post('/admin/api-keys', {
    name: 'other',
    permissions: ['admin:read'],
    organizations: ['acme'],
  });
  expect((await scrape(worker, String(body.key))).status).toBe(403);
  expect((await scrape(worker, 'no-key')).status).toBe(401);
});

describe.each([
  ['refuses connections', () => proxy.cut()],
  ['keeps connections open and never replies', async () => proxy.hang()],
])('while the database %s', (_case, disturb) => {
  beforeAll(async () => {
    expect((await scrape(api)).status).toBe(200);
    await disturb();
  });
  afterAll(async () => {
    await proxy.restore();
    await api.ready();
  });

  test.each([
    ['a key that read metrics before', () => key],
    ['the bootstrap key', () => adminKey],
  ])('%s still reads them: the database is down, and counts of it are left out', async (_key, bearer) => {
    // Below the 10 seconds after which Prometheus gives up.
    const read = async () => (await scrape(api, bearer())).text;
    await expect.poll(read, { timeout: 30_000, interval: 500 }).toContain('token_broker_database_up 0');
    const page = await read();
    expect(sumOf(page, 'token_broker_workers')).toBeUndefined();
    expect(sumOf(page, 'token_broker_build_info')).toBe(1);
    expect(sumOf(page, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  });
});

test('after the outage the metrics are whole again', async () => {
  const back = async () => {
    const { text } = await scrape(api);
    return ['database_up', 'listener_up', 'queue_up'].map((name) => sumOf(text, `token_broker_${name}`));
  };
  await expect.poll(back, { timeout: 30_000 }).toEqual([1, 1, 1]);
});
