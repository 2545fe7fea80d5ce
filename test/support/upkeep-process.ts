import { createNoteUse } from '../../src/broker/note-use.ts';
import { createRefreshAhead } from '../../src/broker/refresh-ahead.ts';
import { createRefreshDueGrant } from '../../src/broker/refresh-due-grant.ts';
import { sealTokens } from '../../src/broker/sealing.ts';
import { createSweepDueGrants } from '../../src/broker/sweep-due-grants.ts';
import { createTallySweeps } from '../../src/broker/tally-sweeps.ts';
import { newId } from '../../src/crypto/tokens.ts';
import type { Connection } from '../../src/domain/connection.ts';
import type { Grant, TokenFacts } from '../../src/domain/grant.ts';
import type { QueueLocation } from '../../src/jobs/queue-server.ts';
import { anArrival, type TestStores, tokensUntil } from './postgres-fixtures.ts';
import { record } from './recorded-jobs.ts';
import { type CountingProvider, cipher, createEngine, tokenSet } from './refresh-fixture.ts';

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The background work of one process as the application wires it, on shared stores and a shared queue. */
export function createUpkeepProcess(
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
  const tally = createTallySweeps({ sweeps, sleep, onError });
  const refreshDueGrant = createRefreshDueGrant({ refreshGrant, tally, clock, schedule });
  const refreshAhead = createRefreshAhead({ refreshGrant });
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
    noteUse: createNoteUse({ queue: recorded.jobs, clock, schedule, onError }),
    close: async () => {
      await recorded.jobs.close();
      await drain();
      await tally.flush();
    },
  };
}

/** A completed grant of that subject, whose refresh token is `rt-<subject>`. */
export async function storeGrantOf(
  stores: TestStores,
  connection: Connection,
  subject: string,
  expiresAt: Date,
  facts: Partial<TokenFacts> = {},
): Promise<string> {
  const id = newId();
  const sealed = sealTokens(cipher, { id, organizationId: 'acme' }, tokenSet('at-0', `rt-${subject}`));
  const tokens = { ...tokensUntil(expiresAt, facts), sealed };
  await stores.database.write('acme', ({ grants }) => grants.insert(id, anArrival(connection, { subject, tokens })));
  return id;
}

export async function storedGrant(stores: TestStores, id: string): Promise<Grant> {
  const found = await stores.refreshes.find(id);
  if (found === undefined) throw new Error('The grant is gone.');
  return found.grant;
}
