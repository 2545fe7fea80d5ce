import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { importAll } from '../contract/import-lines.ts';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../support/processes/data-dir.ts';
import { type HostileProvider, json, startHostileProvider } from '../support/provider/hostile-provider.ts';
import { describeWithRedis } from '../support/redis/database.ts';
import { addConnection } from './connections.ts';
import { type OpenStack, openServers, openServersWithoutRedis } from './stack.ts';
import { openWorld, testEnvironment, type World } from './world.ts';

const organizations = ['acme', 'globex', 'initech'];
const grantsEach = 250;
const all = organizations.length * grantsEach;
/** Grants of one turn of an organisation, which is recorded at its end. */
const turnSize = 100;
/** Calls after which the API answers no more: each organisation has at least one turn behind it, and is in another. */
const answered = 450;
/** A killed worker is missed after half a minute, and its job is given to another within another half. */
const patience = { timeout: 150_000, interval: 250 };

describe('with the queue in Postgres', () => takeOver(openServersWithoutRedis));
describeWithRedis('with the queue in Redis', () => takeOver(openServers));

function takeOver(openStack: OpenStack): void {
  let world: World;
  let api: HostileProvider;
  const dataDirs: DataDir[] = [];
  const workers: BrokerProcess[] = [];
  beforeAll(async () => {
    world = await openWorld(openStack, { ROLE: 'api' });
    api = await startHostileProvider();
  });
  afterAll(async () => {
    for (const worker of workers) if (worker.isRunning()) await worker.stop();
    for (const dataDir of dataDirs) await dataDir.remove();
    await api?.close();
    await world?.close();
  });

  async function startWorker(): Promise<BrokerProcess> {
    const dataDir = createDataDir();
    dataDirs.push(dataDir);
    const worker = await startBroker({
      dataDir: dataDir.path,
      command: 'worker',
      env: { ...testEnvironment, ...world.stack.env },
    });
    workers.push(worker);
    return worker;
  }

  const run = async () =>
    (await world.api.get('/admin/health/stats')).body.last_run as unknown as Record<string, unknown>;

  test('a check of all whose worker is killed is ended by another one, which repeats the turns in progress only', async () => {
    const first = await startWorker();
    // The hourly check of the start would check the same grants.
    await expect.poll(() => first.logs(), patience).toContain('health checks finished');
    const waiting: ServerResponse[] = [];
    let calls = 0;
    let answersAll = false;
    api.script('/me', (response) => {
      calls += 1;
      if (answersAll || calls <= answered) json(200, {})(response);
      else waiting.push(response);
    });
    const names = await Promise.all(
      organizations.map(
        async (organization) =>
          (await addConnection(world, { organization, body: { test_url: `${api.origin}/me` } })).name,
      ),
    );
    await importAll(
      world,
      organizations.flatMap((organization_id, index) =>
        Array.from({ length: grantsEach }, (_, n) => ({
          connection_name: names[index],
          organization_id,
          subject: `person-${n}`,
          access_token: `access-${index}-${n}`,
          expires_at: new Date(Date.now() + 24 * 60 * 60_000).toISOString(),
        })),
      ),
    );

    const requested = await world.api.post('/admin/health/check-all');
    expect(requested, requested.text).toMatchObject({ status: 202, body: { state: 'queued' } });
    const { id } = requested.body;
    // Every place of the worker waits for the API: four calls of each organisation.
    await expect.poll(() => waiting.length, patience).toBe(4 * organizations.length);
    const before = await run();
    expect(before).toMatchObject({ id, state: 'running', total: all, started_at: expect.any(String) });
    expect(before.checked).toBeGreaterThanOrEqual(turnSize);

    await first.kill();
    answersAll = true;
    const second = await startWorker();
    await expect.poll(async () => (await run()).state, patience).toBe('finished');
    expect(await run()).toMatchObject({
      id,
      started_at: before.started_at,
      total: all,
      checked: all,
      healthy: all,
      unhealthy: 0,
      skipped: 0,
    });
    expect((await world.api.get('/admin/health/stats')).body).toMatchObject({ healthy: all, unchecked: 0 });
    expect(calls).toBeLessThanOrEqual(all + organizations.length * turnSize);
    await expect.poll(() => second.logs()).toContain('health run finished');
  }, 300_000);

  test('a run that the queue has lost is queued again by a worker', async () => {
    await world.stack.sql(`insert into health_runs (id) values ('00000000-0000-7000-8000-00000000000a')`);
    await expect
      .poll(run, patience)
      .toMatchObject({ id: '00000000-0000-7000-8000-00000000000a', state: 'finished', checked: all });
  }, 200_000);
}
