import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertDueGrants, startInstantProvider } from '../support/faults/due-grants.ts';
import { addConnection, type FaultWorld, openFaultWorld, type Service } from '../support/faults/world.ts';

let world: FaultWorld;
let provider: Awaited<ReturnType<typeof startInstantProvider>>;
let api: Service;
beforeEach(async () => {
  provider = await startInstantProvider();
  world = await openFaultWorld();
  await world.migrate();
  // This process serves requests only; each test starts its own workers.
  api = await world.start({ env: { ROLE: 'api' } });
});
afterEach(async () => {
  await world?.close();
  await provider?.close();
});

const patience = { timeout: 240_000, interval: 200 };
const worker = { env: { ROLE: 'worker', DATABASE_POOL_MAX: '40' } };

async function insertDue(count: number): Promise<void> {
  const connection = await addConnection(world, api, { token_url: provider.tokenUrl });
  await insertDueGrants(world, connection, count);
}

async function countExpired(): Promise<number> {
  const [row] = await world.sql<{ count: number }>(
    'select count(*)::int as count from grants where expires_at < now()',
  );
  return row?.count ?? 0;
}

const countSweeps = async () => (await world.sql('select id from sweeps')).length;

test('two workers started at once make one sweep, and each due grant is refreshed once', async () => {
  await insertDue(1_200);
  await Promise.all([world.start(worker), world.start(worker)]);
  await expect.poll(countExpired, patience).toBe(0);
  expect(await countSweeps()).toBe(1);
  expect([...provider.presented.values()].filter((times) => times > 1)).toEqual([]);
  expect(provider.requests()).toBe(1_200);
});

test('after a worker is killed during a sweep and restarted, every due grant is refreshed, and only those in flight are sent twice', async () => {
  const count = 3_000;
  await insertDue(count);
  const first = await world.start(worker);
  await expect.poll(provider.requests, patience).toBeGreaterThan(300);
  await first.kill();
  expect(await countExpired()).toBeGreaterThan(0);
  await world.start({ ...worker, dataDir: first.dataDir });
  await expect.poll(countExpired, patience).toBe(0);
  // A killed worker loses at most 20 calls to the endpoint and the responses it has not stored yet: below 100 together.
  expect([...provider.presented.values()].filter((times) => times > 1).length).toBeLessThanOrEqual(100);
});

/** FAULT_DUE_GRANTS shortens a run. The guarantee is tested with 100,000 due grants. */
const dueCount = Number(process.env.FAULT_DUE_GRANTS ?? 100_000);
/** Number of grants after which the heap has reached its working size. The rest of the sweep must not need more memory. */
const sampleCount = dueCount / 2;
/** 60 MiB: tolerated growth of resident memory in the second half of the sweep. */
const slackBytes = 60 * 2 ** 20;

test(`${dueCount} due grants are swept in the memory that ${sampleCount} need`, async () => {
  await insertDue(dueCount);
  const sweeper = await world.start(worker);
  const early = await peakMemoryUntil(sweeper, () => provider.requests() >= sampleCount);
  const late = await peakMemoryUntil(sweeper, () => provider.requests() >= dueCount);
  process.stdout.write(
    `${dueCount} grants swept: ${mebibytes(early)} MiB for the first ${sampleCount}, ${mebibytes(late)} MiB for all\n`,
  );
  expect(late - early).toBeLessThan(slackBytes);
  await expect.poll(countExpired, patience).toBe(0);
});

async function peakMemoryUntil({ pid, isRunning }: Service, isOver: () => boolean): Promise<number> {
  let peak = 0;
  while (!isOver()) {
    if (!isRunning()) throw new Error('the worker ended');
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    peak = Math.max(peak, Number(kilobytes) * 1024);
    await sleep(100);
  }
  return peak;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
