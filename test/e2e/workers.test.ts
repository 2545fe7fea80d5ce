import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../support/processes/data-dir.ts';
import { describeWithRedis } from '../support/redis/database.ts';
import { openServers } from './stack.ts';
import { openWorld, testEnvironment, type World } from './world.ts';

describeWithRedis('the health of a process that runs no jobs', () => {
  let world: World;
  let dataDir: DataDir;
  let worker: BrokerProcess | undefined;
  beforeAll(async () => {
    world = await openWorld(openServers, { ROLE: 'api' });
    dataDir = createDataDir();
  });
  afterAll(async () => {
    await worker?.stop();
    await dataDir?.remove();
    await world?.close();
  });

  const startWorker = () =>
    startBroker({ dataDir: dataDir.path, command: 'worker', env: { ...testEnvironment, ...world.stack.env } });
  const health = async () => (await world.api.get('/health')).body;

  test('it is degraded without a worker, and serves credentials', async () => {
    expect(await world.api.get('/health')).toMatchObject({
      status: 200,
      body: { status: 'degraded', database: 'ok', workers: 0, last_sweep_at: null, unsaved_tokens: 0 },
    });
  });

  test('it counts the workers of other processes and shows when their last sweep ended', async () => {
    worker = await startWorker();
    await expect
      .poll(health, { timeout: 20_000 })
      .toMatchObject({ status: 'ok', workers: 1, last_sweep_at: expect.any(String) });
  });

  test('a worker that is stopped leaves at once', async () => {
    await worker?.stop();
    expect(await health()).toMatchObject({ status: 'degraded', workers: 0 });
  });

  test('a worker that is killed no longer counts half a minute later, and counts once after its restart', async () => {
    worker = await startWorker();
    await expect.poll(health, { timeout: 20_000 }).toMatchObject({ workers: 1 });
    await worker.kill();
    await expect.poll(health, { timeout: 30_000 }).toMatchObject({ status: 'degraded', workers: 0 });
    worker = await startWorker();
    await expect.poll(health, { timeout: 20_000 }).toMatchObject({ status: 'ok', workers: 1 });
  }, 120_000);
});
