import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FaultPostgres, startFaultPostgres } from '../support/fault-postgres.ts';
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
} from '../support/fault-world.ts';
import { held, json, startHostileProvider, tokens } from '../support/hostile-provider.ts';

let postgres: FaultPostgres;
let world: FaultWorld;
let service: Service;
let connection: FaultConnection;
beforeAll(async () => {
  postgres = await startFaultPostgres();
  // Leases of 18 s: what a process that was killed leaves does not hold up the suite.
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

/** PROVIDER_CALL_CAP_MS and 15 s. */
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

/** The provider has rotated, the database is stopped, and then the answer arrives. */
async function refreshWhilePostgresGoes(grant: ImportedGrant, from: Service) {
  const held = world.gate.holdAnswers();
  const reading = from.api.get(grant.path).catch(() => undefined);
  await held.answered;
  await postgres.stop();
  held.release();
  return reading;
}

describe('Postgres is stopped between the answer of the provider and its storing', () => {
  test('the reader is served, from the disk, and the same process stores the token when Postgres is back', async () => {
    const grant = await importGrant(world, service, connection, { subject: 'same-process' });
    const answer = await refreshWhilePostgresGoes(grant, service);
    expect(spooled(service.dataDir)).toHaveLength(1);
    expect(answer).toMatchObject({ status: 200, body: { access_token: exchangesOf(grant)[0]?.accessToken } });

    await postgres.start();
    await expect.poll(() => row(grant), patience).toMatchObject({ version: 2, status: 'completed' });
    await expect.poll(() => spooled(service.dataDir), patience).toEqual([]);
    const again = await service.api.get(grant.path);
    expect(again).toMatchObject({ status: 200, body: { access_token: answer?.body.access_token } });
    expect(exchangesOf(grant)).toHaveLength(1);
  });

  test('and stays away for longer than the lease: another process leaves the grant to the one that holds its new token', async () => {
    const second = await world.start();
    const grant = await importGrant(world, service, connection, { subject: 'lapsed' });
    const answer = await refreshWhilePostgresGoes(grant, service);
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
        access_token: answer?.body.access_token,
      });
    over = true;
    await reading;
    expect(exchangesOf(grant)).toHaveLength(1);
    expect(await world.provider.accepts(answer?.body.access_token ?? '')).toBe(true);
    await second.stop();
  });

  test('and the process is killed: the next one stores the token before it is ready', async () => {
    const victim = await world.start();
    const grant = await importGrant(world, victim, connection, { subject: 'next-process' });
    await refreshWhilePostgresGoes(grant, victim);
    await expect.poll(() => spooled(victim.dataDir), patience).toHaveLength(1);
    await victim.kill();

    const heir = await world.spawn({ dataDir: victim.dataDir });
    await expect.poll(() => heir.logs(), patience).toContain('not ready yet');
    await postgres.start();
    await heir.ready();
    expect(await row(grant)).toMatchObject({ version: 2, status: 'completed' });
    expect(spooled(heir.dataDir)).toEqual([]);
    const answer = await heir.api.get(grant.path);
    expect(answer).toMatchObject({ status: 200, body: { access_token: exchangesOf(grant)[0]?.accessToken } });
    expect(await world.provider.accepts(answer.body.access_token)).toBe(true);
    expect(exchangesOf(grant)).toHaveLength(1);
    await heir.stop();
  });

  test('a failure that the missing write caused meanwhile is undone by it', async () => {
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
      const heir = await world.start({ dataDir: victim.dataDir });
      expect(await row(grant)).toMatchObject({ version: 2, status: 'completed', status_reason: null });
      for (const { api } of [heir, service]) {
        // The other process hears of it with the notification.
        await expect
          .poll(() => api.get(grant.path), patience)
          .toMatchObject({ status: 200, body: { access_token: 'at-rotated' } });
      }
      await heir.stop();
    } finally {
      await hostile.close();
    }
  });

  test('what lies unreadable beside it in the spool does not stop the start, and is kept for a person to look at', async () => {
    const victim = await world.start();
    const grant = await importGrant(world, victim, connection, { subject: 'beside-garbage' });
    await refreshWhilePostgresGoes(grant, victim);
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
    const heir = await world.start({ dataDir: victim.dataDir });
    expect(await row(grant)).toMatchObject({ version: 2, status: 'completed' });
    expect(spooled(heir.dataDir).map((path) => path.split('/').at(-1))).toEqual([
      'empty.tokens',
      'half.tokens',
      'other.tokens',
    ]);
    for (const path of spooled(heir.dataDir)) expect(heir.logs()).toContain(path);
    expect((await heir.api.get(grant.path)).status).toBe(200);
    await heir.stop();
  });
});

test('Postgres crashes and comes back three times under load: answers are 200 or 503, no token is sent twice, every grant works', async () => {
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
      const answer = await services[turn % 2]?.api.get(grants[turn % grants.length]?.path ?? '');
      statuses.add(answer?.status ?? 0);
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
    // A lease whose holder never learned that it had it lapses by itself.
    await expect.poll(async () => (await second.api.get(path)).status, patience).toBe(200);
    const { body } = await second.api.get(path);
    expect(await world.provider.accepts(body.access_token)).toBe(true);
  }
  const presented = world.gate.exchanges.slice(before).map((exchange) => exchange.presented);
  expect(presented.length - new Set(presented).size, 'refresh tokens that were sent twice').toBe(0);
  world.provider.setLifetimes({ accessTokenSeconds: 3600 });
  await second.stop();
});

test('without Postgres the process lives and says so; with it, it serves again by itself', async () => {
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
