import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FaultRedis, startFaultRedis } from '../support/faults/redis.ts';
import { createTcpProxy, type TcpProxy } from '../support/faults/tcp-proxy.ts';
import {
  addConnection,
  changeGrant,
  type FaultConnection,
  type FaultWorld,
  type ImportedGrant,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/faults/world.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres/database.ts';

let redis: FaultRedis;
let redisNetwork: TcpProxy;
let database: TestDatabase;
let databaseNetwork: TcpProxy;
let world: FaultWorld;
beforeEach(async () => {
  redis = await startFaultRedis();
  redisNetwork = await createTcpProxy(redis.url);
  database = await createTestDatabase();
  databaseNetwork = await createTcpProxy(database.url);
  world = await openFaultWorld({ redisUrl: redisNetwork.url, databaseUrl: databaseNetwork.url });
});
afterEach(async () => {
  databaseNetwork?.delay(0);
  redisNetwork?.delay(0);
  await world?.close();
  await databaseNetwork?.close();
  await redisNetwork?.close();
  await database?.drop();
  await redis?.remove();
});

const patience = { timeout: 90_000, interval: 100 };
const exchangesOf = ({ refreshToken }: ImportedGrant) =>
  world.gate.exchanges.filter(({ presented }) => presented === refreshToken);
const waitForQueue = (service: Service, queue: string) =>
  expect
    .poll(async () => (await service.api.get('/health')).body, patience)
    .toMatchObject({
      status: queue === 'ok' ? 'ok' : 'degraded',
      queue,
    });

/** Makes the first sweep an hour old: a sweep is skipped if another started shortly before. */
async function ageSweeps(): Promise<void> {
  await expect.poll(() => world.sql('select id from sweeps where finished_at is not null'), patience).not.toEqual([]);
  await world.sql("update sweeps set started_at = started_at - interval '1 hour'");
}

let subjects = 0;
/** Imports a grant that only a sweep refreshes: it is due, has a live token, and no test reads it. */
async function importDueGrant(service: Service, connection: FaultConnection): Promise<ImportedGrant> {
  const grant = await importGrant(world, service, connection, { subject: `due-${subjects++}`, expiresIn: 3 * 3600 });
  await changeGrant(world, grant.id, "obtained_at = now() - interval '1 hour'");
  return grant;
}

test('without Redis every token is served and refreshed on read, and the sweep starts once Redis is there', async () => {
  await redis.kill();
  const service = await world.start();
  await waitForQueue(service, 'unavailable');
  expect((await service.api.get('/readyz')).status).toBe(200);
  const connection = await addConnection(world, service);

  const live = await importGrant(world, service, connection, { subject: 'live', expiresIn: 3600 });
  expect(await service.api.get(live.path)).toMatchObject({ status: 200, body: { access_token: live.accessToken } });
  const expired = await importGrant(world, service, connection, { subject: 'expired' });
  const responses = await Promise.all(Array.from({ length: 20 }, () => service.api.get(expired.path)));
  expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(exchangesOf(expired)).toHaveLength(1);
  expect((await service.api.post(`${connection.path}/refresh`, { subject: 'live' })).status).toBe(200);

  const due = await importDueGrant(service, connection);
  expect(exchangesOf(due)).toEqual([]);
  await redis.start();
  await waitForQueue(service, 'ok');
  await expect.poll(() => exchangesOf(due), patience).toMatchObject([{ status: 200 }]);
});

test('after Redis restarts empty or is flushed, the schedules return by themselves and sweep', async () => {
  const service = await world.start();
  const connection = await addConnection(world, service);
  const losses = [
    async () => {
      await redis.kill();
      await waitForQueue(service, 'unavailable');
      await redis.start();
    },
    () => redis.flush(),
  ];
  for (const loseQueue of losses) {
    await ageSweeps();
    const due = await importDueGrant(service, connection);
    await loseQueue();
    await waitForQueue(service, 'ok');
    await expect.poll(() => exchangesOf(due), patience).toMatchObject([{ status: 200 }]);
  }
});

test('with slow Postgres and Redis, 40 readers at two processes share one token request, and the sweep continues', async () => {
  const [first, second] = [await world.start(), await world.start()];
  const connection = await addConnection(world, first);
  const expired = await importGrant(world, first, connection);
  const due = await importDueGrant(first, connection);
  databaseNetwork.delay(50);
  redisNetwork.delay(50);
  const responses = await Promise.all(
    Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? first : second).api.get(expired.path)),
  );
  expect(responses.map(({ status }) => status)).toEqual(Array(40).fill(200));
  expect(exchangesOf(expired)).toHaveLength(1);
  await ageSweeps();
  await redis.flush();
  await expect.poll(() => exchangesOf(due), patience).toMatchObject([{ status: 200 }]);
});
