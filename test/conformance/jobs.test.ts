import { describe } from 'vitest';
import { type Backend, postgresBackend, redisBackend } from '../support/queue/backends.ts';
import { type Recorded, record } from '../support/queue/recorded-jobs.ts';
import { describeWithRedis } from '../support/redis/database.ts';
import { describeRefreshQueue, type OpenedQueue } from './refresh-queue.ts';

async function openQueue(createBackend: () => Promise<Backend>): Promise<OpenedQueue> {
  const backend = await createBackend();
  const started: Recorded[] = [];
  const start = async (isWorker: boolean, refresh?: () => Promise<void>) => {
    const recorded = record(backend.location, { handlers: refresh === undefined ? {} : { refresh } });
    started.push(recorded);
    await recorded.jobs.start(isWorker);
    return recorded;
  };
  const [{ jobs: queue }, { jobs: other }] = [await start(false), await start(false)];
  return {
    queue,
    other,
    work: async (refresh) => void (await start(true, refresh)),
    refreshed: () => started.flatMap(({ refreshed }) => refreshed),
    refreshedAhead: () => started.flatMap(({ refreshedAhead }) => refreshedAhead),
    end: async () => {
      await Promise.all(started.map(({ jobs }) => jobs.close()));
      await backend.drop();
    },
  };
}

describe('on Postgres', () => describeRefreshQueue(() => openQueue(postgresBackend)));
describeWithRedis('on Redis', () => describeRefreshQueue(() => openQueue(redisBackend)));
