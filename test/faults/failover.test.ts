import { Client } from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ReplicatedPostgres, startReplicatedPostgres } from '../support/faults/replicated-postgres.ts';
import { addConnection, type FaultWorld, importGrant, openFaultWorld, type Service } from '../support/faults/world.ts';

/** Time in milliseconds in which writes work again once the address leads to a server that takes them. */
const withinMs = 8_000;
const patience = { timeout: withinMs, interval: 100 };

let postgres: ReplicatedPostgres;
let world: FaultWorld;
let service: Service;
beforeEach(async () => {
  postgres = await startReplicatedPostgres();
  // The queue is in the database, too.
  world = await openFaultWorld({ databaseUrl: postgres.url, redisUrl: null });
  service = await world.start();
});
afterEach(async () => {
  await world?.close();
  await postgres?.remove();
});

const readiness = async () => (await service.api.get('/readyz')).body;
const queue = async () => (await service.api.get('/health')).body.queue;

/** Fills the pool, so that many connections lead to the server before the failover. */
async function useManyConnections(path: string): Promise<void> {
  await Promise.all(Array.from({ length: 30 }, () => service.api.get(path)));
}

test('after a promotion, writes, notifications and the queue work within seconds', async () => {
  const connection = await addConnection(world, service);
  const grant = await importGrant(world, service, connection, { subject: 'promoted' });
  await useManyConnections('/connections');
  await postgres.promote();
  await postgres.primary.stop();
  postgres.moveTo(postgres.replica, { cuts: true });
  await expect.poll(async () => (await service.api.get(grant.path)).status, patience).toBe(200);
  await expect.poll(readiness, patience).toMatchObject({ status: 'ready' });
  await expect.poll(queue, patience).toBe('ok');
  const created = await service.api.post(`${connection.path}/grants`, { access_token: 'at', subject: 'after' });
  expect(created.status).toBe(201);
});

test('connections that stay open to a server in recovery are left as soon as the address leads to a primary', async () => {
  const connection = await addConnection(world, service);
  await importGrant(world, service, connection, { subject: 'kept' });
  // The demoted server still accepts connections and reads.
  postgres.moveTo(postgres.replica, { cuts: true });
  const put = async () =>
    (await service.api.post(`${connection.path}/grants`, { access_token: 'at', subject: 'written' })).status;
  await expect.poll(put, patience).toBe(503);
  await useManyConnections('/connections');
  await expect.poll(readiness, patience).toMatchObject({
    status: 'not_ready',
    reason: 'The database takes no writes.',
  });
  postgres.moveTo(postgres.primary, { cuts: false });
  const movedAt = Date.now();
  await expect.poll(readiness, patience).toMatchObject({ status: 'ready' });
  for (let n = 0; n < 30; n += 1) expect(await put()).toBe(201);
  expect(Date.now() - movedAt).toBeLessThan(withinMs);
  await expect.poll(queue, patience).toBe('ok');
  await expect.poll(() => sessionsOn(postgres.replica.url), patience).toBe(0);
});

async function sessionsOn(url: string): Promise<number> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query(
    "select count(*)::int as n from pg_stat_activity where application_name like 'token-broker%'",
  );
  await client.end();
  return rows[0].n;
}

test('a dropped table is named by readyz, and the service works once it is back', async () => {
  const connection = await addConnection(world, service);
  const grant = await importGrant(world, service, connection, { subject: 'dropped', expiresIn: 3600 });
  expect((await service.api.get(grant.path)).status).toBe(200);
  await world.sql('alter table grants rename to grants_away');
  await expect.poll(readiness, patience).toMatchObject({
    status: 'not_ready',
    reason: 'Tables are missing in the database: grants.',
  });
  expect((await service.api.get(grant.path)).status).toBe(503);
  await world.sql('alter table grants_away rename to grants');
  await expect.poll(readiness, patience).toMatchObject({ status: 'ready', reason: null });
  expect((await service.api.get(grant.path)).status).toBe(200);
});

test('nothing of the earlier contents is served after a table was restored from an older copy', async () => {
  const connection = await addConnection(world, service);
  const early = await importGrant(world, service, connection, { subject: 'early', expiresIn: 3600 });
  await world.sql('create table older as select * from grants');
  const late = await importGrant(world, service, connection, { subject: 'late', expiresIn: 3600 });
  for (const { path } of [early, late]) expect((await service.api.get(path)).status).toBe(200);
  await world.sql('truncate grants cascade');
  await world.sql('insert into grants select * from older');
  await expect.poll(async () => (await service.api.get(late.path)).status, patience).not.toBe(200);
  await expect.poll(readiness, patience).toMatchObject({ status: 'ready' });
  expect((await service.api.get(early.path)).status).toBe(200);
});
