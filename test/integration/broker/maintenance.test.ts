import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import { aConnection } from '../../support/builders/connection.ts';
import { minutesFromNow } from '../../support/builders/grant.ts';
import { aProviderFailure, aTokenResponse } from '../../support/builders/provider.ts';
import { storeConnection } from '../../support/builders/stored.ts';
import { createMaintenanceProcess, storedGrant, storeGrantOf } from '../../support/engine/maintenance-process.ts';
import { type CountingProvider, createCountingProvider } from '../../support/engine/refresh-fixture.ts';
import { openTestStores, type TestStores } from '../../support/postgres/stores.ts';
import { type Backend, postgresBackend, redisBackend } from '../../support/queue/backends.ts';
import { describeWithRedis } from '../../support/redis/database.ts';

const patience = { timeout: 20_000, interval: 50 };
const never = new AbortController().signal;

describe('maintenance with the queue on Postgres', () => suite(postgresBackend));
describeWithRedis('maintenance with the queue on Redis', () => suite(redisBackend));

function suite(createBackend: () => Promise<Backend>): void {
  let stores: TestStores;
  let backend: Backend;
  let connection: Connection;
  let provider: CountingProvider;
  let processes: ReturnType<typeof createMaintenanceProcess>[];

  beforeEach(async () => {
    [stores, backend] = await Promise.all([openTestStores(), createBackend()]);
    connection = await storeConnection(stores, { ...aConnection('acme', 'crm'), sealedClientSecrets: null });
    provider = createCountingProvider(async () => ({ ...aTokenResponse('at-1', null), lifetimeSeconds: 86_400 }));
    processes = [];
  });
  afterEach(async () => {
    await Promise.all(processes.map((one) => one.close()));
    await stores.end();
    await backend.drop();
  });

  async function start(options: { concurrency?: number; worker?: boolean } = {}) {
    const one = createMaintenanceProcess(stores, backend.location, provider, options);
    processes.push(one);
    await one.jobs.start(options.worker ?? true);
    return one;
  }

  async function storeMany(count: number, expiresAt = minutesFromNow(10)): Promise<string[]> {
    const ids: string[] = [];
    for (let n = 0; n < count; n++) ids.push(await storeGrantOf(stores, connection, `s${n}`, expiresAt));
    return ids;
  }

  test('two schedulers that sweep at once run one sweep, which records its findings and outcomes', async () => {
    await storeMany(40);
    const both = await Promise.all([start(), start()]);
    const reports = await Promise.all(both.map(({ sweep }) => sweep(never)));
    expect(reports.filter((report) => report !== null)).toEqual([{ found: 40, enqueued: 40 }]);
    await vi.waitFor(
      async () =>
        expect(await stores.sweeps.last()).toMatchObject({
          isRunning: false,
          finishedAt: expect.any(Date),
          found: 40,
          enqueued: 40,
          refreshed: 40,
          failed: 0,
          skipped: 0,
        }),
      patience,
    );
    expect(provider.spent).toHaveLength(40);
    expect(new Set(provider.spent).size).toBe(40);
  });

  test('a rejected client stops the rest of the sweep for its connection, and fails no grant whose token lives', async () => {
    const rejected = await storeMany(12);
    const other = await storeConnection(stores, { ...aConnection('acme', 'erp'), sealedClientSecrets: null });
    const fine = await storeGrantOf(stores, other, 'fine', minutesFromNow(20));
    provider.respond = async (held) => {
      if (held?.refreshToken?.reveal() === 'rt-fine')
        return { ...aTokenResponse('at-1', null), lifetimeSeconds: 86_400 };
      throw aProviderFailure({ class: 'client', oauthError: 'invalid_client' });
    };
    const one = await start({ concurrency: 1 });
    expect(await one.sweep(never)).toEqual({ found: 13, enqueued: 13 });
    await vi.waitFor(
      async () => expect(await stores.sweeps.last()).toMatchObject({ refreshed: 1, failed: 3, skipped: 9 }),
      patience,
    );
    expect(provider.spent.filter((token) => token !== 'rt-fine')).toHaveLength(3);
    for (const id of rejected)
      expect(await storedGrant(stores, id)).toMatchObject({ status: 'completed', statusReason: null });
    expect(await storedGrant(stores, fine)).toMatchObject({ status: 'completed', version: 2 });
  });

  test('a short-lived token in use is replaced before it expires; an unused one is not', async () => {
    const id = await storeGrantOf(stores, connection, 'short', new Date(Date.now() + 2_000), { lifetimeSeconds: 2 });
    provider.respond = async () => ({ ...aTokenResponse('at-1', 'rt-1'), lifetimeSeconds: 2 });
    const api = await start({ worker: false });
    await start();
    const used = await storedGrant(stores, id);
    for (let reads = 0; reads < 50; reads++) api.noteUse(used);
    await vi.waitFor(async () => expect(await storedGrant(stores, id)).toMatchObject({ version: 2 }), patience);
    const { metadata } = await storedGrant(stores, id);
    // A later job of the same queue has run, so a job for the unused version would have run before it.
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan((metadata?.expiresAt?.getTime() ?? 0) + 200), patience);
    const last = await storeGrantOf(stores, connection, 'last', minutesFromNow(1), { lifetimeSeconds: 1 });
    api.noteUse(await storedGrant(stores, last).then((grant) => ({ ...grant, metadata: soon(grant) })));
    await vi.waitFor(async () => expect(await storedGrant(stores, last)).toMatchObject({ version: 2 }), patience);
    expect(await storedGrant(stores, id)).toMatchObject({ version: 2 });
    expect(provider.spent).toEqual(['rt-short', 'rt-last']);
  });

  test('a refresh token that would expire unused is refreshed, although its access token is live', async () => {
    const keepAliveAt = minutesFromNow(-1);
    const id = await storeGrantOf(stores, connection, 'idle', minutesFromNow(60 * 24 * 365), { keepAliveAt });
    const one = await start();
    expect(await one.sweep(never)).toEqual({ found: 1, enqueued: 1 });
    await vi.waitFor(async () => expect(await storedGrant(stores, id)).toMatchObject({ version: 2 }), patience);
    expect(provider.spent).toEqual(['rt-idle']);
  });

  test('an unreachable queue fails the sweep but not the use of a token', async () => {
    const id = await storeGrantOf(stores, connection, 'short', minutesFromNow(1), { lifetimeSeconds: 60 });
    const one = await start({ worker: false });
    await one.jobs.close();
    one.noteUse(await storedGrant(stores, id));
    await expect(one.sweep(never)).rejects.toMatchObject({ code: 'service_unavailable' });
    expect(await stores.sweeps.last()).toMatchObject({ isRunning: false, finishedAt: null });
    expect(one.errors).toEqual([]);
  });
}

function soon({ metadata }: Awaited<ReturnType<typeof storedGrant>>) {
  return metadata && { ...metadata, expiresAt: new Date() };
}
