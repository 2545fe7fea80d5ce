import { afterEach, beforeEach, describe } from 'vitest';
import { type PeriodicKind, schedulerId } from '../../../src/jobs/job-kinds.ts';
import { openQueueServer } from '../../../src/jobs/queue/queue-server.ts';
import { createTcpProxy, type TcpProxy } from '../../support/faults/tcp-proxy.ts';
import { type Backend, postgresBackend, redisBackend } from '../../support/queue/backends.ts';
import { type Recorded, record, testInstallationId } from '../../support/queue/recorded-jobs.ts';
import { describeWithRedis } from '../../support/redis/database.ts';

export const patience = { timeout: 20_000, interval: 20 };

export interface QueueFixture {
  /** Server of the running test. */
  backend(): Backend;
  /** Starts the background work of one more process. */
  start(options?: StartOptions): Promise<Recorded>;
  proxy(state: 'open' | 'cut'): Promise<TcpProxy>;
  /** Reads the schedule of one kind of work, sweeps by default. */
  schedule(kind?: PeriodicKind): Promise<{ every: number | undefined; next: number | undefined } | undefined>;
}

type StartOptions = Parameters<typeof record>[1] & { worker?: boolean; url?: string };

/** Runs a suite on Postgres and on Redis, with an empty server for each test. */
export function describeOnBothServers(suite: (queues: QueueFixture) => void): void {
  describe('the queue on Postgres', () => suite(createFixture(postgresBackend)));
  describeWithRedis('the queue on Redis', () => suite(createFixture(redisBackend)));
}

function createFixture(createBackend: () => Promise<Backend>): QueueFixture {
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

  return {
    backend: () => backend,
    async start({ worker = true, url = backend.url, ...options } = {}) {
      const recorded = record(backend.at(url), options);
      started.push(recorded);
      await recorded.jobs.start(worker);
      return recorded;
    },
    async proxy(state) {
      const created = await createTcpProxy(backend.url, state);
      proxies.push(created);
      return created;
    },
    async schedule(kind = 'sweep') {
      const queue = (await openQueueServer(backend.location, testInstallationId)).openQueue('periodic');
      try {
        await queue.waitUntilReady();
        const found = await queue.getJobScheduler(schedulerId(kind));
        return found && { every: found.every, next: found.next };
      } finally {
        await queue.close();
      }
    },
  };
}
