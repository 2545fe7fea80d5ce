import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type PeriodicKind, schedulerId } from '../../../src/jobs/job-kinds.ts';
import { createQueueServer } from '../../../src/jobs/queue-server.ts';
import { type Backend, postgresBackend, redisBackend } from '../../support/queue-backends.ts';
import { hourMs, type Recorded, record } from '../../support/recorded-jobs.ts';
import { describeWithRedis } from '../../support/redis.ts';
import { createTcpProxy, type TcpProxy } from '../../support/tcp-proxy.ts';

const patience = { timeout: 20_000, interval: 20 };

describe('jobs on Postgres', () => suite(postgresBackend));
describeWithRedis('jobs on Redis', () => suite(redisBackend));

function suite(createBackend: () => Promise<Backend>): void {
  let backend: Backend;
  let started: Recorded[];
  let proxies: TcpProxy[];

  beforeEach(async () => {
    backend = await createBackend();
    started = [];
    proxies = [];
  });
  afterEach(async () => {
    await Promise.all(started.map(({ jobs }) => jobs.close()));
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await backend.drop();
  });

  async function start(options: Parameters<typeof record>[1] & { worker?: boolean; url?: string } = {}) {
    const { worker = true, url = backend.url, ...rest } = options;
    const recorded = record(backend.at(url), rest);
    started.push(recorded);
    await recorded.jobs.start(worker);
    return recorded;
  }

  async function proxy(state: 'open' | 'cut'): Promise<TcpProxy> {
    const made = await createTcpProxy(backend.url, state);
    proxies.push(made);
    return made;
  }

  test('what is queued is told, whoever added it, until it is done with', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const one = await start({ worker: false });
    const other = await start({ worker: false });
    await one.jobs.enqueue(['a', 'b', 'b'], 0);
    await other.jobs.enqueue(['c'], 0, { urgent: true });
    await other.jobs.enqueue(['later'], hourMs * 1000);
    expect(await one.jobs.queued()).toEqual(new Set(['a', 'b', 'c', 'later']));
    const worker = await start({ handlers: { refresh: () => held } });
    await vi.waitFor(() => expect(worker.refreshed.toSorted()).toEqual(['a', 'b', 'c']), patience);
    expect(await one.jobs.queued()).toEqual(new Set(['a', 'b', 'c', 'later']));
    release();
    await vi.waitFor(async () => expect(await other.jobs.queued()).toEqual(new Set(['later'])), patience);
    expect(worker.refreshed).toHaveLength(3);
  });

  test('a refresh that throws stops no other, and its grant can be queued again', async () => {
    let broken = true;
    const worker = await start({
      concurrency: 1,
      handlers: {
        refresh: async (id) => {
          if (id === 'broken' && broken) throw new Error('out of order');
        },
      },
    });
    await worker.jobs.enqueue(['broken', 'fine-1', 'fine-2'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toHaveLength(3), patience);
    await vi.waitFor(() => expect(worker.warnings.join()).toContain('out of order'), patience);
    broken = false;
    await worker.jobs.enqueue(['broken'], 0);
    await vi.waitFor(() => expect(worker.refreshed.filter((id) => id === 'broken')).toHaveLength(2), patience);
  });

  test('no more refreshes run at once than the concurrency allows, and a large batch is worked off', async () => {
    let running = 0;
    let most = 0;
    const worker = await start({
      concurrency: 3,
      handlers: {
        refresh: async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setTimeout(resolve, 2));
          running -= 1;
        },
      },
    });
    const grants = Array.from({ length: 1200 }, (_, index) => `grant-${index}`);
    await worker.jobs.enqueue(grants, 50);
    await vi.waitFor(() => expect(worker.refreshed).toHaveLength(grants.length), patience);
    expect(new Set(worker.refreshed).size).toBe(grants.length);
    expect(most).toBe(3);
  });

  test('processes that start together and each ask for a sweep get one', async () => {
    const both = await Promise.all([start(), start()]);
    await Promise.all(both.map(({ jobs }) => jobs.enqueueSweep()));
    const [one, other] = both;
    await vi.waitFor(() => expect((one?.sweeps ?? 0) + (other?.sweeps ?? 0)).toBe(1), patience);
    await one?.jobs.enqueueSweep();
    await one?.jobs.enqueue(['later'], 0);
    await vi.waitFor(() => expect([one?.refreshed, other?.refreshed].flat()).toEqual(['later']), patience);
    expect((one?.sweeps ?? 0) + (other?.sweeps ?? 0)).toBe(1);
  });

  test('sweeps come by the clock, one after the other, also after one that failed', async () => {
    const worker = await start({
      sweepIntervalMs: 400,
      handlers: {
        sweep: async () => {
          if (worker.sweeps === 1) throw new Error('first sweep failed');
        },
      },
    });
    await vi.waitFor(() => expect(worker.sweeps).toBeGreaterThanOrEqual(4), patience);
  });

  test('each kind of work has a clock of its own', async () => {
    const worker = await start({ intervals: { health: 500 } });
    await vi.waitFor(() => expect(worker.healthChecks).toBeGreaterThanOrEqual(3), patience);
    expect([worker.sweeps, worker.forecasts]).toEqual([1, 1]);
  });

  test('a refresh ahead of an expiry runs once for each grant and version, beside the grant of a sweep', async () => {
    const one = await start({ worker: false });
    const other = await start({ worker: false });
    const ahead = (grantId: string, version: number) => ({ grantId, version, delayMs: 50 });
    await Promise.all([
      one.jobs.enqueueAhead([ahead('a', 1), ahead('a', 1), ahead('b', 1)]),
      other.jobs.enqueueAhead([ahead('b', 1), ahead('a', 1), ahead('a', 2)]),
      other.jobs.enqueue(['a'], 0),
    ]);
    const worker = await start();
    await vi.waitFor(() => expect([...worker.refreshedAhead, ...worker.refreshed]).toHaveLength(4), patience);
    await worker.jobs.enqueueAhead([ahead('last', 1)]);
    await vi.waitFor(() => expect(worker.refreshedAhead).toContain('last 1'), patience);
    expect(worker.refreshedAhead.toSorted()).toEqual(['a 1', 'a 2', 'b 1', 'last 1']);
    expect(worker.refreshed).toEqual(['a']);
  });

  test('urgent refreshes go ahead of the others, and each knows its sweep', async () => {
    const api = await start({ worker: false });
    await api.jobs.enqueue(['one', 'two', 'three'], 0, { sweepId: 'the-sweep' });
    await api.jobs.enqueue(['soon-1', 'soon-2'], 0, { sweepId: 'the-sweep', urgent: true });
    await api.jobs.enqueue(['single'], 0);
    const sweepIds = new Map<string, string | null>();
    const worker = await start({
      concurrency: 1,
      handlers: { refresh: async (grantId, sweepId) => void sweepIds.set(grantId, sweepId) },
    });
    await vi.waitFor(() => expect(worker.refreshed).toHaveLength(6), patience);
    expect(worker.refreshed.slice(0, 2)).toEqual(['soon-1', 'soon-2']);
    expect([sweepIds.get('one'), sweepIds.get('soon-2'), sweepIds.get('single')]).toEqual([
      'the-sweep',
      'the-sweep',
      null,
    ]);
  });

  test('the backlog covers what could be refreshed now, not what waits for its time', async () => {
    const api = await start({ worker: false });
    expect(await api.jobs.backlog()).toBe(0);
    await api.jobs.enqueue(['a', 'b', 'c'], 0);
    await api.jobs.enqueue(['d'], 0, { urgent: true });
    const backlog = await api.jobs.backlog();
    expect(backlog).toBeGreaterThanOrEqual(4);
    await api.jobs.enqueue(['e'], hourMs * 1000);
    await api.jobs.enqueueAhead([{ grantId: 'f', version: 1, delayMs: 0 }]);
    expect(await api.jobs.backlog()).toBe(backlog);
    const worker = await start();
    await vi.waitFor(() => expect(worker.refreshed).toHaveLength(4), patience);
    expect(await api.jobs.backlog()).toBe(0);
  });

  test('work that takes long is told when its process ends, and another process runs it', async () => {
    const worker = await start({
      handlers: {
        sweep: async (signal) => {
          await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ending'))));
        },
      },
    });
    await vi.waitFor(() => expect(worker.sweeps).toBe(1), patience);
    await worker.jobs.close();
    const successor = await start();
    await vi.waitFor(() => expect(successor.sweeps).toBe(1), patience);
  });

  test('a restart leaves the clock as it stands, and another interval sets it anew', async () => {
    const first = await start();
    await vi.waitFor(() => expect(first.sweeps).toBe(1), patience);
    const before = await clock();
    await first.jobs.close();
    await start();
    expect(await clock()).toEqual(before);
    await start({ sweepIntervalMs: hourMs / 2 });
    expect((await clock())?.every).toBe(hourMs / 2);
  });

  test('a process without a worker runs nothing and keeps no clock', async () => {
    const api = await start({ worker: false });
    await api.jobs.enqueue(['a'], 0);
    expect(api.jobs.isUp()).toBe(true);
    expect(await clock()).toBeUndefined();
    const worker = await start();
    await vi.waitFor(() => expect(worker.refreshed).toEqual(['a']), patience);
    expect(api.refreshed).toEqual([]);
  });

  test('a server that was emptied gets its clock back and works on', async () => {
    const worker = await start();
    await vi.waitFor(() => expect([worker.sweeps, worker.healthChecks, worker.forecasts]).toEqual([1, 1, 1]), patience);
    await backend.empty();
    await vi.waitFor(async () => expect(await clock()).toBeDefined(), patience);
    await vi.waitFor(() => expect([worker.sweeps, worker.healthChecks, worker.forecasts]).toEqual([2, 2, 2]), patience);
    for (const kind of ['sweep', 'health', 'forecast'] as const)
      expect(await clock(kind)).toMatchObject({ every: hourMs });
    await worker.jobs.enqueue(['after'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toEqual(['after']), patience);
  });

  test('a server that is away at start is refused to callers, and used once it is there', async () => {
    const network = await proxy('cut');
    const worker = await start({ url: network.url });
    expect(worker.jobs.isUp()).toBe(false);
    await expect(worker.jobs.enqueue(['a'], 0)).rejects.toMatchObject({ code: 'service_unavailable' });
    await expect(worker.jobs.enqueueSweep()).rejects.toMatchObject({ code: 'service_unavailable' });
    await network.restore();
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(true), patience);
    await worker.jobs.enqueue(['a'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toEqual(['a']), patience);
    await vi.waitFor(() => expect(worker.sweeps).toBe(1), patience);
  });

  test('a server that goes away and comes back is found again, by the worker too', async () => {
    const network = await proxy('open');
    const worker = await start({ url: network.url });
    await network.cut();
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(false), patience);
    const direct = await start({ worker: false });
    await direct.jobs.enqueue(['waiting'], 0);
    await network.restore();
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(true), patience);
    await vi.waitFor(() => expect(worker.refreshed).toEqual(['waiting']), patience);
  });

  test('a server that answers nothing fails an enqueue instead of holding it', async () => {
    const network = await proxy('open');
    const worker = await start({ url: network.url });
    network.hang();
    await expect(worker.jobs.enqueue(['a'], 0)).rejects.toMatchObject({ code: 'service_unavailable' });
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(false), patience);
    await network.restore();
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(true), patience);
    await worker.jobs.enqueue(['b'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toContain('b'), patience);
  });

  test('closing waits for the refresh that runs, and starts no other', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const worker = await start({ concurrency: 1, handlers: { refresh: () => held } });
    await worker.jobs.enqueue(['running', 'waiting'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toHaveLength(1), patience);
    let closed = false;
    const closing = worker.jobs.close().then(() => {
      closed = true;
    });
    await start({ worker: false });
    expect(closed).toBe(false);
    release();
    await closing;
    expect(worker.refreshed).toHaveLength(1);
    await expect(worker.jobs.enqueue(['too-late'], 0)).rejects.toMatchObject({ code: 'service_unavailable' });
    const successor = await start();
    await vi.waitFor(() => expect(successor.refreshed).toHaveLength(1), patience);
  });

  test('a sweep that runs while its process closes still hands over what it found', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const worker = await start({
      handlers: {
        sweep: async () => {
          await held;
          await worker.jobs.enqueue(['found'], 0);
        },
      },
    });
    await vi.waitFor(() => expect(worker.sweeps).toBe(1), patience);
    const closing = worker.jobs.close();
    release();
    await closing;
    const successor = await start();
    // Whoever is the quicker: a worker that closes may have asked for its next job already.
    await vi.waitFor(() => expect([...worker.refreshed, ...successor.refreshed]).toEqual(['found']), patience);
    expect(successor.sweeps).toBe(0);
  });

  test('closing ends while the server is away', async () => {
    const network = await proxy('open');
    const worker = await start({ url: network.url });
    await network.cut();
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(false), patience);
    await worker.jobs.close();
    expect(worker.jobs.isUp()).toBe(false);
  });

  test('no password of the server reaches the log', async () => {
    const url = new URL(backend.url);
    url.username = 'nobody';
    url.password = 'canary-password';
    const worker = await start({ url: url.href });
    expect(worker.jobs.isUp()).toBe(false);
    expect(worker.warnings).not.toEqual([]);
    expect(worker.warnings.join()).not.toContain('canary-password');
  });

  async function clock(kind: PeriodicKind = 'sweep') {
    const queue = createQueueServer(backend.location).openQueue('clock');
    try {
      await queue.waitUntilReady();
      const found = await queue.getJobScheduler(schedulerId(kind));
      return found && { every: found.every, next: found.next };
    } finally {
      await queue.close();
    }
  }
}
