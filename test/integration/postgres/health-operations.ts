import { setTimeout as sleep } from 'node:timers/promises';
import { v7 } from 'uuid';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { ClaimedRun } from '../../../src/domain/ports/maintenance/health-runs.ts';
import type { Postgres } from '../../../src/postgres/postgres.ts';
import { record } from './record-operations.ts';

const reach = { organizations: '*', global: true } as const;

/** Runs every operation of the stores of health checks, on a grant of the connection. */
export async function checkHealth(
  postgres: Postgres,
  { connection, grantId }: { connection: Connection; grantId: string },
  called: Map<string, boolean>,
): Promise<void> {
  const at = new Date();
  const health = record('health', postgres.health, called);
  const unchecked = { since: at, providers: ['generic'] };
  await health.lanes(unchecked);
  const lane = { organizationId: 'acme', connectionId: connection.id };
  await health.unchecked(unchecked, lane, { after: null, limit: 10 });
  await health.record([{ grantId, version: 1, health: 'healthy', error: null }], at);
  await health.grantsOf(connection.id, reach, 2);
  await health.grantsOf(connection.id, { organizations: ['acme'], global: true }, 2);
  await health.read([grantId]);
  const counts = record('health counts', postgres.healthCounts, called);
  await counts.fold();
  await counts.read(reach);

  const runs = record('health runs', postgres.healthRuns, called);
  const run = await claim(runs);
  await runs.last();
  await runs.isWaiting();
  await runs.keep(run);
  while (await runs.listLanes(run));
  const found = await runs.nextLane(run, { behind: null, busy: [null] });
  if (found === undefined) throw new Error('the run has no lane');
  const page = await runs.grantsOf(found, 1);
  await runs.recordTurn(run, found, { next: page?.next ?? null, records: [], skipped: 1 }, at);
  const next = await runs.nextLane(run, { behind: found.organizationId, busy: [] });
  if (next !== undefined) await runs.grantsOf({ ...next, after: { at, id: grantId } }, 1);
  await runs.finish(run);
  await runs.release(run);
}

/** Waits for other processes of the test: there is one run for all of them. */
async function claim(runs: Postgres['healthRuns']): Promise<ClaimedRun> {
  for (;;) {
    await runs.request(v7());
    const claimed = await runs.claim(v7());
    if (claimed.kind === 'claimed') return claimed.run;
    await sleep(20);
  }
}
