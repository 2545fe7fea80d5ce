import { createScheduleRefreshAhead } from '../../../src/broker/credentials/schedule-refresh-ahead.ts';
import { createRefreshAhead } from '../../../src/broker/maintenance/refresh-ahead.ts';
import { createRefreshDueGrant } from '../../../src/broker/maintenance/refresh-due-grant.ts';
import { createSweepDueGrants } from '../../../src/broker/maintenance/sweep-due-grants.ts';
import { createSweepStatistics } from '../../../src/broker/maintenance/sweep-statistics.ts';
import { sealTokens } from '../../../src/broker/sealing.ts';
import { newId } from '../../../src/crypto/tokens.ts';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { Grant, TokenMetadata } from '../../../src/domain/grants/grant.ts';
import type { QueueLocation } from '../../../src/jobs/queue/queue-server.ts';
import { anArrival, tokensUntil } from '../builders/grant.ts';
import { aTokenSet } from '../builders/provider.ts';
import type { TestStores } from '../postgres/stores.ts';
import { record } from '../queue/recorded-jobs.ts';
import { noSiblings } from './no-siblings.ts';
import { type CountingProvider, cipher, createEngine } from './refresh-fixture.ts';

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Creates the background work of one process as the application does, on shared stores and a shared queue. */
export function createMaintenanceProcess(
  stores: TestStores,
  location: QueueLocation,
  provider: CountingProvider,
  { concurrency = 10 } = {},
) {
  const schedule = { intervalMs: 30 * 60_000, windowMs: 240 * 60_000 };
  const clock = () => new Date();
  const { sweeps } = stores;
  const errors: unknown[] = [];
  const onError = (error: unknown) => errors.push(error);
  const { refreshGrant, drain } = createEngine(stores, provider);
  const statistics = createSweepStatistics({ sweeps, sleep, onError });
  const refreshDueGrant = createRefreshDueGrant({
    refreshGrant,
    refreshSiblings: noSiblings,
    statistics: statistics,
    clock,
    schedule,
  });
  const refreshAhead = createRefreshAhead({ refreshGrant, refreshSiblings: noSiblings, clock, schedule });
  const recorded = record(location, {
    concurrency,
    handlers: {
      refresh: async (grantId, sweepId) => void (await refreshDueGrant(grantId, sweepId)),
      refreshAhead: async (grantId, version) => void (await refreshAhead(grantId, version)),
    },
  });
  return {
    ...recorded,
    jobs: recorded.jobs,
    errors,
    sweep: createSweepDueGrants({ sweeps, queue: recorded.jobs, newId, clock, sleep, schedule }),
    noteUse: createScheduleRefreshAhead({ queue: recorded.jobs, clock, schedule, onError }),
    close: async () => {
      await recorded.jobs.close();
      await drain();
      await statistics.flush();
    },
  };
}

/** Stores a completed grant of that subject, whose refresh token is `rt-<subject>`. */
export async function storeGrantOf(
  stores: TestStores,
  connection: Connection,
  subject: string,
  expiresAt: Date,
  metadata: Partial<TokenMetadata> = {},
): Promise<string> {
  const id = newId();
  const sealed = sealTokens(cipher, { id, organizationId: 'acme' }, aTokenSet('at-0', `rt-${subject}`));
  const tokens = { ...tokensUntil(expiresAt, metadata), sealed };
  await stores.database.write('acme', ({ grants }) => grants.insert(id, anArrival(connection, { subject, tokens })));
  return id;
}

export async function storedGrant(stores: TestStores, id: string): Promise<Grant> {
  const found = await stores.refreshes.find(id);
  if (found === undefined) throw new Error('The grant is gone.');
  return found.grant;
}
