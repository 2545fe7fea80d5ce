import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertDueGrants, startInstantProvider } from '../support/fault-due-grants.ts';
import { addConnection, type FaultWorld, openFaultWorld, type Service } from '../support/fault-world.ts';

let world: FaultWorld;
let provider: Awaited<ReturnType<typeof startInstantProvider>>;
let api: Service;
beforeEach(async () => {
  provider = await startInstantProvider();
  world = await openFaultWorld();
  await world.migrate();
  // Serves requests and sweeps nothing: the workers come with each test.
  api = await world.start({ env: { ROLE: 'api' } });
});
afterEach(async () => {
  await world?.close();
  await provider?.close();
});

const patience = { timeout: 240_000, interval: 200 };
const worker = { env: { ROLE: 'worker', DATABASE_POOL_MAX: '40' } };

async function due(count: number): Promise<void> {
  const connection = await addConnection(world, api, { token_url: provider.tokenUrl });
  await insertDueGrants(world, connection, count);
}

async function left(): Promise<number> {
  const [row] = await world.sql<{ left: number }>('select count(*)::int as left from grants where expires_at < now()');
  return row?.left ?? 0;
}

const sweeps = async () => (await world.sql('select id from sweeps')).length;

test('two workers started at once make one sweep, and each due grant is refreshed once', async () => {
  await due(1_200);
  await Promise.all([world.start(worker), world.start(worker)]);
  await expect.poll(left, patience).toBe(0);
  expect(await sweeps()).toBe(1);
  expect([...provider.presented.values()].filter((times) => times > 1)).toEqual([]);
  expect(provider.requests()).toBe(1_200);
});

test('a worker killed in mid-sweep and started again: every due grant is refreshed, and only those in flight are asked for twice', async () => {
  const count = 3_000;
  await due(count);
  const first = await world.start(worker);
  await expect.poll(provider.requests, patience).toBeGreaterThan(300);
  await first.kill();
  expect(await left()).toBeGreaterThan(0);
  await world.start({ ...worker, dataDir: first.dataDir });
  await expect.poll(left, patience).toBe(0);
  // No more than one process refreshes at a time.
  expect([...provider.presented.values()].filter((times) => times > 1).length).toBeLessThanOrEqual(100);
});

/** FAULT_DUE_GRANTS makes a shorter run; the promise is about a hundred thousand. */
const many = Number(process.env.FAULT_DUE_GRANTS ?? 100_000);
/** What a first part of the sweep shows of a process at work, once its heap has grown as it likes; the rest must not need more. */
const sample = many / 2;
const slack = 60 * 2 ** 20;

test(`${many} due grants are swept in the memory of ${sample}`, async () => {
  await due(many);
  const sweeper = await world.start(worker);
  const early = await peakUntil(sweeper, () => provider.requests() >= sample);
  const late = await peakUntil(sweeper, () => provider.requests() >= many);
  process.stdout.write(
    `${many} grants swept: ${mebibytes(early)} MiB for the first ${sample}, ${mebibytes(late)} MiB for all\n`,
  );
  expect(late - early).toBeLessThan(slack);
  await expect.poll(left, patience).toBe(0);
});

async function peakUntil({ pid, isRunning }: Service, isOver: () => boolean): Promise<number> {
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
