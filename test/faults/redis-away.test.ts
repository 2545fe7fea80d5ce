import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FaultRedis, startFaultRedis } from '../support/fault-redis.ts';
import {
  addConnection,
  changeGrant,
  type FaultConnection,
  type FaultWorld,
  type ImportedGrant,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/fault-world.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { createTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

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
const queueIs = (service: Service, queue: string) =>
  expect
    .poll(async () => (await service.api.get('/health')).body, patience)
    .toMatchObject({
      status: queue === 'ok' ? 'ok' : 'degraded',
      queue,
    });

/** Sweeps that begin close together are one: the one that came with the start must not stand for the next. */
async function sweepWasLongAgo(): Promise<void> {
  await expect.poll(() => world.sql('select id from sweeps where finished_at is not null'), patience).not.toEqual([]);
  await world.sql("update sweeps set started_at = started_at - interval '1 hour'");
}

let subjects = 0;
/** A grant that only a sweep takes up: it has life left, and nobody reads it. */
async function dueGrant(service: Service, connection: FaultConnection): Promise<ImportedGrant> {
  const grant = await importGrant(world, service, connection, { subject: `due-${subjects++}`, expiresIn: 3 * 3600 });
  await changeGrant(world, grant.id, "obtained_at = now() - interval '1 hour'");
  return grant;
}

test('Redis away for the whole run: everything is served and refreshed on read, and the sweep begins when Redis comes', async () => {
  await redis.kill();
  const service = await world.start();
  await queueIs(service, 'unavailable');
  expect((await service.api.get('/readyz')).status).toBe(200);
  const connection = await addConnection(world, service);

  const live = await importGrant(world, service, connection, { subject: 'live', expiresIn: 3600 });
  expect(await service.api.get(live.path)).toMatchObject({ status: 200, body: { access_token: live.accessToken } });
  const expired = await importGrant(world, service, connection, { subject: 'expired' });
  const answers = await Promise.all(Array.from({ length: 20 }, () => service.api.get(expired.path)));
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(exchangesOf(expired)).toHaveLength(1);
  expect((await service.api.post(`${connection.path}/refresh`, { subject: 'live' })).status).toBe(200);

  const due = await dueGrant(service, connection);
  expect(exchangesOf(due)).toEqual([]);
  await redis.start();
  await queueIs(service, 'ok');
  await expect.poll(() => exchangesOf(due), patience).toMatchObject([{ status: 200 }]);
});

test('Redis killed and started empty, and flushed: the clocks come back by themselves, and sweep', async () => {
  const service = await world.start();
  const connection = await addConnection(world, service);
  const losses = [
    async () => {
      await redis.kill();
      await queueIs(service, 'unavailable');
      await redis.start();
    },
    () => redis.flush(),
  ];
  for (const lose of losses) {
    await sweepWasLongAgo();
    const due = await dueGrant(service, connection);
    await lose();
    await queueIs(service, 'ok');
    await expect.poll(() => exchangesOf(due), patience).toMatchObject([{ status: 200 }]);
  }
});

test('Postgres and Redis both slow: 40 readers at two processes share one token request, and the sweep goes on', async () => {
  const [first, second] = [await world.start(), await world.start()];
  const connection = await addConnection(world, first);
  const expired = await importGrant(world, first, connection);
  const due = await dueGrant(first, connection);
  databaseNetwork.delay(50);
  redisNetwork.delay(50);
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? first : second).api.get(expired.path)),
  );
  expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200));
  expect(exchangesOf(expired)).toHaveLength(1);
  await sweepWasLongAgo();
  await redis.flush();
  await expect.poll(() => exchangesOf(due), patience).toMatchObject([{ status: 200 }]);
});
