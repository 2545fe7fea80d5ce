import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FaultPostgres, startFaultPostgres } from '../support/faults/postgres.ts';
import {
  addConnection,
  changeGrant,
  type FaultConnection,
  type FaultWorld,
  type ImportedGrant,
  importForeignGrant,
  importGrant,
  openFaultWorld,
  type Service,
} from '../support/faults/world.ts';
import { held, json, startHostileProvider, tokens } from '../support/provider/hostile-provider.ts';

let postgres: FaultPostgres;
let world: FaultWorld;
let service: Service;
let connection: FaultConnection;
beforeAll(async () => {
  postgres = await startFaultPostgres();
  // The call cap of 3 s gives leases of 18 s, so that the lease of a killed process lapses within the suite.
  world = await openFaultWorld({
    databaseUrl: postgres.url,
    env: { PROVIDER_TIMEOUT_MS: '3000', PROVIDER_CALL_CAP_MS: '3000' },
  });
  service = await world.start();
  connection = await addConnection(world, service);
});
afterAll(async () => {
  await world?.close();
  await postgres?.remove();
});
beforeEach(() => postgres.start());
afterEach(() => postgres.start());

/** PROVIDER_CALL_CAP_MS plus the lease margin of 15 s. */
const leaseMs = 18_000;
const patience = { timeout: 60_000, interval: 100 };

function spooled(dataDir: string): string[] {
  const folder = join(dataDir, 'instances');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((instance) => readdirSync(join(folder, instance)).map((name) => join(folder, instance, name)))
    .filter((path) => path.endsWith('.tokens'));
}

async function row({ id }: ImportedGrant) {
  const [found] = await world.sql<{ version: number; status: string; status_reason: string | null }>(
    'select version, status, status_reason from grants where id = $1',
    [id],
  );
  return found;
}

const exchangesOf = ({ refreshToken }: ImportedGrant) =>
  world.gate.exchanges.filter(({ presented }) => presented === refreshToken);

/** Starts a refresh, stops Postgres after the provider has rotated the token, and only then delivers the token response. */
async function refreshWhilePostgresStops(grant: ImportedGrant, from: Service) {
  const held = world.gate.holdResponses();
  const reading = from.api.get(grant.path).catch(() => undefined);
  await held.responded;
  await postgres.stop();
  held.release();
  return reading;
}

describe('Postgres stops between the token response and its storage', () => {
  test('a token response during a Postgres outage is served from disk and stored by the same process afterwards', async () => {
    const grant = await importGrant(world, service, connection, { subject: 'same-process' });
    const response = await refreshWhilePostgresStops(grant, service);
    expect(spooled(service.dataDir)).toHaveLength(1);
    expect(response).toMatchObject({ status: 200, body: { access_token: exchangesOf(grant)[0]?.accessToken } });

    await postgres.start();
    await expect.poll(() => row(grant), patience).toMatchObject({ version: 2, status: 'completed' });
    await expect.poll(() => spooled(service.dataDir), patience).toEqual([]);
    const again = await service.api.get(grant.path);
    expect(again).toMatchObject({ status: 200, body: { access_token: response?.body.access_token } });
    expect(exchangesOf(grant)).toHaveLength(1);
  });

  test('after an outage longer than the lease, another process leaves the grant to the one that holds its new token', async () => {
    const second = await world.start();
    const grant = await importGrant(world, service, connection, { subject: 'lapsed' });
    const response = await refreshWhilePostgresStops(grant, service);
    let over = false;
    const reading = (async () => {
      while (!over) await Promise.all([second.api.get(grant.path), sleep(50)]);
    })();
    await sleep(leaseMs + 1_000);
    await postgres.start();
    await expect.poll(() => row(grant), patience).toMatchObject({ version: 2, status: 'completed' });
    await expect
      .poll(async () => (await second.api.get(grant.path)).body, patience)
      .toMatchObject({
        access_token: response?.body.access_token,
      });
    over = true;
    await reading;
    expect(exchangesOf(grant)).toHaveLength(1);
    expect(await world.provider.accepts(response?.body.access_token ?? '')).toBe(true);
    await second.stop();
  });

  test('after a kill during the outage, the next process stores the spooled token before it is ready', async () => {
    const victim = await world.start();
    const grant = await importGrant(world, victim, connection, { subject: 'next-process' });
    await refreshWhilePostgresStops(grant, victim);
    await expect.poll(() => spooled(victim.dataDir), patience).toHaveLength(1);
    await victim.kill();

    const successor = await world.spawn({ dataDir: victim.dataDir });
    await expect.poll(() => successor.logs(), patience).toContain('not ready yet');
    await postgres.start();
    await successor.ready();
    expect(await row(grant)).toMatchObject({ version: 2, status: 'completed' });
    expect(spooled(successor.dataDir)).toEqual([]);
    const response = await successor.api.get(grant.path);
    expect(response).toMatchObject({ status: 200, body: { access_token: exchangesOf(grant)[0]?.accessToken } });
    expect(await world.provider.accepts(response.body.access_token)).toBe(true);
    expect(exchangesOf(grant)).toHaveLength(1);
    await successor.stop();
  });

  test('a spooled token undoes the failure that its missing write caused in another process', async () => {
    const hostile = await startHostileProvider();
    try {
      const rotation = held(tokens('at-rotated', 'rt-rotated'));
      hostile.script('/token', rotation.reply, json(400, { error: 'invalid_grant' }));
      const victim = await world.start();
      const grant = await importForeignGrant(world, victim, { tokenUrl: `${hostile.origin}/token`, name: 'undone' });
      const reading = victim.api.get(grant.path).catch(() => undefined);
      await rotation.arrived;
      await postgres.stop();
      rotation.release();
      await reading;
      await expect.poll(() => spooled(victim.dataDir), patience).toHaveLength(1);
      await victim.kill();

      await postgres.start();
      await changeGrant(world, grant.id, 'lease_until = now()');
      await expect
        .poll(async () => (await service.api.get(grant.path)).body, patience)
        .toMatchObject({ status_reason: 'rotation_interrupted' });
      const successor = await world.start({ dataDir: victim.dataDir });
      expect(await row(grant)).toMatchObject({ version: 2, status: 'completed', status_reason: null });
      for (const { api } of [successor, service]) {
        // The other process learns of the write through a notification.
        await expect
          .poll(() => api.get(grant.path), patience)
          .toMatchObject({ status: 200, body: { access_token: 'at-rotated' } });
      }
      await successor.stop();
    } finally {
      await hostile.close();
    }
  });

  test('unreadable files in the spool neither stop the start nor are deleted, and the log names them', async () => {
    const victim = await world.start();
    const grant = await importGrant(world, victim, connection, { subject: 'beside-garbage' });
    await refreshWhilePostgresStops(grant, victim);
    await expect.poll(() => spooled(victim.dataDir), patience).toHaveLength(1);
    await victim.kill();
    const folder = join(spooled(victim.dataDir)[0] ?? '', '..');
    const garbage = {
      'empty.tokens': '',
      'half.tokens': '{"base":{"id":',
      'other.tokens': '{"base":{}}',
      'a.tokens.new': 'x',
    };
    for (const [name, content] of Object.entries(garbage)) writeFileSync(join(folder, name), content);

    await postgres.start();
    const successor = await world.start({ dataDir: victim.dataDir });
    expect(await row(grant)).toMatchObject({ version: 2, status: 'completed' });
    expect(spooled(successor.dataDir).map((path) => path.split('/').at(-1))).toEqual([
      'empty.tokens',
      'half.tokens',
      'other.tokens',
    ]);
    for (const path of spooled(successor.dataDir)) expect(successor.logs()).toContain(path);
    expect((await successor.api.get(grant.path)).status).toBe(200);
    await successor.stop();
  });
});

test('Postgres crashes three times under load: responses are 200 or 503, no refresh token is sent twice, every grant works', async () => {
  world.provider.setLifetimes({ accessTokenSeconds: 6 });
  const second = await world.start();
  const services = [service, second];
  const grants: ImportedGrant[] = [];
  for (let index = 0; index < 20; index++)
    grants.push(await importGrant(world, service, connection, { subject: `load-${index}` }));
  const statuses = new Set<number>();
  let over = false;
  const readers = Array.from({ length: 10 }, async (_, index) => {
    for (let turn = index; !over; turn += 7) {
      const response = await services[turn % 2]?.api.get(grants[turn % grants.length]?.path ?? '');
      statuses.add(response?.status ?? 0);
      await sleep(5);
    }
  });
  const before = world.gate.exchanges.length;
  for (let crash = 0; crash < 3; crash++) {
    const seen = world.gate.exchanges.length;
    await expect.poll(() => world.gate.exchanges.length, patience).toBeGreaterThan(seen + 20);
    await postgres.crash();
    await sleep(500);
    await postgres.start();
  }
  over = true;
  await Promise.all(readers);
  expect([...statuses].sort()).toEqual([200, 503]);
  for (const { path } of grants) {
    // A crash can lose the reply to a lease that was granted: that lease has to lapse first.
    await expect.poll(async () => (await second.api.get(path)).status, patience).toBe(200);
    const { body } = await second.api.get(path);
    expect(await world.provider.accepts(body.access_token)).toBe(true);
  }
  const presented = world.gate.exchanges.slice(before).map((exchange) => exchange.presented);
  expect(presented.length - new Set(presented).size, 'refresh tokens that were sent twice').toBe(0);
  world.provider.setLifetimes({ accessTokenSeconds: 3600 });
  await second.stop();
});

test('without Postgres a process stays alive and reports not ready, and it serves again once Postgres is back', async () => {
  const grant = await importGrant(world, service, connection, { subject: 'health', expiresIn: 3600 });
  await postgres.stop();
  await expect.poll(async () => (await service.api.get('/health')).status, patience).toBe(503);
  expect((await service.api.get('/livez')).status).toBe(200);
  expect((await service.api.get('/readyz')).status).toBe(503);
  expect((await service.api.get(grant.path)).status).toBe(503);
  await postgres.start();
  await expect.poll(async () => (await service.api.get('/readyz')).status, patience).toBe(200);
  await expect.poll(async () => (await service.api.get(grant.path)).status, patience).toBe(200);
});
