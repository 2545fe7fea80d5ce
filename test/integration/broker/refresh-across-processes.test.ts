import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Grant } from '../../../src/domain/grants/grant.ts';
import { createGrantSignals } from '../../../src/postgres/notify/grant-signals.ts';
import { createPostgres } from '../../../src/postgres/postgres.ts';
import { aProviderFailure, aTokenResponse } from '../../support/builders/provider.ts';
import {
  type CountingProvider,
  createCountingProvider,
  createEngine,
  storeRefreshableGrant,
} from '../../support/engine/refresh-fixture.ts';
import { openTestStores, type TestStores } from '../../support/postgres/stores.ts';

const patience = { timeout: 10_000, interval: 10 };
const anHourOn = () => new Date(Date.now() + 3_600_000);
/** Longer than any test: only a notification ends a wait, and no lease lapses. */
const never = 600_000;

/** Processes on one database, each with its own connections. They wake each other by notification only. */
const processes: TestStores[] = [];

function listening(stores: TestStores): TestStores {
  const pollMs = { listening: never, disconnected: never };
  const signals = createGrantSignals({ listener: stores.listener, pollMs });
  stores.listener.start();
  return { ...stores, signals };
}

beforeAll(async () => {
  const first = await openTestStores();
  const { url } = first;
  processes.push(listening(first));
  for (let i = 0; i < 2; i += 1) {
    const postgres = createPostgres({ connectionString: url, poolMax: 5, onError: () => {} });
    processes.push(listening({ ...postgres, url, end: () => postgres.close() }));
  }
  await vi.waitUntil(() => processes.every(({ listener }) => listener.isUp()), patience);
});
afterAll(async () => {
  for (const { end } of processes.toReversed()) await end();
});

const store = (name: string, expiresAt = anHourOn()) => storeRefreshableGrant(first(), name, { expiresAt });
function first(): TestStores {
  const [stores] = processes;
  if (stores === undefined) throw new Error('not open');
  return stores;
}
const enginesOn = (provider: CountingProvider) =>
  processes.map((stores) => createEngine(stores, provider, { leaseMs: never }));

function newerThan(version: number, { onDemand }: { onDemand: boolean }) {
  return { isSatisfiedBy: (grant: Grant) => grant.version > version, onDemand, seenVersion: version };
}

/** Blocks provider responses until it is opened. */
function createGate() {
  const { promise, resolve: open } = Promise.withResolvers<void>();
  return { opened: promise, open };
}

async function lockedRow(id: string) {
  const found = await first().refreshes.find(id);
  if (found === undefined) throw new Error('gone');
  return found.grant;
}

describe('a reader that waits for another process', () => {
  test('a waiting reader is woken by notification, without polling', async () => {
    const { id } = await store('woken');
    const gate = createGate();
    const provider = createCountingProvider(async () => {
      await gate.opened;
      return aTokenResponse('at-1', 'rt-1');
    });
    const results = enginesOn(provider).map(({ refreshGrant }) => refreshGrant(id, newerThan(1, { onDemand: false })));
    await vi.waitUntil(() => provider.spent.length === 1, patience);
    gate.open();
    for (const result of await Promise.all(results))
      expect(result).toMatchObject({ kind: 'fresh', grant: { version: 2 } });
    expect(provider.spent).toEqual(['rt-0']);
  });

  test('a waiting reader is woken when a restarted process voids its old leases', async () => {
    const { id } = await store('left-behind');
    await first().refreshes.acquire(id, 'killed/1', never);
    const provider = createCountingProvider(async () => aTokenResponse('at-1', 'rt-1'));
    const waiting = createEngine(processes[1] ?? first(), provider, { leaseMs: never }).refreshGrant(
      id,
      newerThan(1, { onDemand: false }),
    );
    await first().refreshes.voidLeases('killed/');
    expect(await waiting).toMatchObject({ kind: 'fresh', grant: { version: 2 } });
  });

  test('a waiting reader shares the failure of the other process', async () => {
    const { id } = await store('shared-failure');
    const gate = createGate();
    const provider = createCountingProvider(async () => {
      await gate.opened;
      throw aProviderFailure({ class: 'transient', httpStatus: 503 });
    });
    const [holder, ...others] = enginesOn(provider);
    const held = holder?.refreshGrant(id, newerThan(1, { onDemand: true }));
    await vi.waitUntil(() => provider.spent.length === 1, patience);
    const waits = processes.slice(1).map((stores) => vi.spyOn(stores.refreshes, 'find'));
    const waiting = others.map(({ refreshGrant }) => refreshGrant(id, newerThan(1, { onDemand: true })));
    // Both readers have read the row while the provider call is running.
    await vi.waitUntil(() => waits.every(({ mock }) => mock.settledResults.length > 0), patience);
    gate.open();
    for (const result of await Promise.all([held, ...waiting])) expect(result).toMatchObject({ kind: 'unavailable' });
    expect(provider.spent).toHaveLength(1);
  });

  test('a failure right before the next try for the lease is shared too', async () => {
    const { id } = await store('late-failure');
    const gate = createGate();
    const provider = createCountingProvider(async () => {
      await gate.opened;
      throw aProviderFailure({ class: 'transient', httpStatus: 503 });
    });
    const [holder, other] = enginesOn(provider);
    const held = holder?.refreshGrant(id, newerThan(1, { onDemand: true }));
    await vi.waitUntil(() => provider.spent.length === 1, patience);
    const refreshes = processes[1]?.refreshes;
    if (refreshes === undefined) throw new Error('there is no second process');
    const { acquire } = refreshes;
    let tries = 0;
    const trying = vi.spyOn(refreshes, 'acquire').mockImplementation(async (...request) => {
      tries += 1;
      if (tries === 2) {
        gate.open();
        await held;
      }
      return acquire(...request);
    });
    expect(await other?.refreshGrant(id, newerThan(1, { onDemand: true }))).toMatchObject({ kind: 'unavailable' });
    trying.mockRestore();
    expect(tries).toBe(2);
    expect(provider.spent).toHaveLength(1);
  });
});

describe('a report of a rejected token', () => {
  test('reports of one rejected token in all processes cost one provider call', async () => {
    const { id } = await store('reported');
    const provider = createCountingProvider(async () => aTokenResponse('at-1', 'rt-1'));
    const results = await Promise.all(
      enginesOn(provider).flatMap(({ refreshGrant }) =>
        Array.from({ length: 10 }, () => refreshGrant(id, newerThan(1, { onDemand: true }))),
      ),
    );
    for (const result of results) expect(result).toMatchObject({ kind: 'fresh', grant: { version: 2 } });
    expect(provider.spent).toEqual(['rt-0']);
  });

  test('a report after the refresh costs neither a provider call nor a write', async () => {
    const { id } = await store('late');
    const provider = createCountingProvider(async () => aTokenResponse('at-1', 'rt-1'));
    const [one, other] = enginesOn(provider);
    await one?.refreshGrant(id, newerThan(1, { onDemand: true }));
    const before = await lockedRow(id);
    const release = vi.spyOn(first().refreshes, 'release');
    expect(await other?.refreshGrant(id, newerThan(1, { onDemand: true }))).toMatchObject({
      kind: 'fresh',
      grant: { version: 2 },
    });
    expect(provider.spent).toHaveLength(1);
    expect(release).not.toHaveBeenCalled();
    expect(await lockedRow(id)).toEqual(before);
  });
});

describe('refreshes on demand', () => {
  test('refreshes on demand are limited to ten a minute over all processes; needed ones do not count', async () => {
    const { id } = await store('limited');
    let calls = 0;
    const provider = createCountingProvider(async () => {
      calls += 1;
      return aTokenResponse(`at-${calls}`, `rt-${calls}`);
    });
    const engines = enginesOn(provider);
    const refreshOnDemand = async (i: number) =>
      engines[i % engines.length]?.refreshGrant(id, newerThan((await lockedRow(id)).version, { onDemand: true }));
    for (let i = 0; i < 10; i += 1) expect(await refreshOnDemand(i)).toMatchObject({ kind: 'fresh' });
    for (let i = 0; i < 3; i += 1) {
      const refused = await refreshOnDemand(i);
      if (refused?.kind !== 'limited') throw new Error(`not limited but ${refused?.kind}`);
      expect(refused.retryAfterMs).toBeGreaterThan(0);
      expect(refused.retryAfterMs).toBeLessThanOrEqual(60_000);
    }
    expect(calls).toBe(10);
    expect(await lockedRow(id)).toMatchObject({ leaseOwner: null, refreshStartedAt: null });
    expect(await engines[0]?.refreshGrant(id, newerThan(11, { onDemand: false }))).toMatchObject({ kind: 'fresh' });
    expect(calls).toBe(11);
  });

  test('concurrent refreshes on demand are counted one by one', async () => {
    const { id } = await store('counted');
    const limit = { most: 3, withinMs: never };
    const waits = await Promise.all(
      processes.flatMap(({ refreshes }) => [1, 2, 3].map(() => refreshes.countOnDemand(id, limit))),
    );
    expect(waits.filter((waitMs) => waitMs === undefined)).toHaveLength(3);
  });

  test('a refresh on demand no longer counts after its period', async () => {
    const { id } = await store('forgotten');
    const { refreshes } = first();
    expect(await refreshes.countOnDemand(id, { most: 1, withinMs: never })).toBeUndefined();
    expect(await refreshes.countOnDemand(id, { most: 1, withinMs: never })).toBeGreaterThan(0);
    await vi.waitUntil(
      async () => (await refreshes.countOnDemand(id, { most: 1, withinMs: 20 })) === undefined,
      patience,
    );
  });
});
