import type { HealthChange, HealthStore, UncheckedQuery } from '../../domain/ports/maintenance/health.ts';
import type { GrantLane, SweepCursor } from '../../domain/ports/maintenance/lanes.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import { type JudgeGrants, recordsOf, reportChanges } from './judge-grants.ts';
import { lanesByOrganization } from './lanes.ts';

/**
 * Probes whether live tokens work and records the result. Never refreshes a token and never fails a grant. Rejects when
 * `signal` aborts; the next run skips the grants that are already checked.
 */
export type CheckHealth = (signal: AbortSignal) => Promise<{ healthy: number; unhealthy: number }>;

export interface CheckHealthDeps {
  health: Pick<HealthStore, 'lanes' | 'unchecked' | 'record'>;
  judgeGrants: JudgeGrants;
  catalogue: Pick<ProviderCatalogue, 'list'>;
  clock: () => Date;
  intervalMs: number;
  onHealthChange: (change: HealthChange) => void;
}

/** Grants of one turn of a connection. Their records are written together; an aborted run repeats at most one turn. */
export const turnSize = 100;
/** Organisations that are checked at once. One with slow probes holds one of these places. */
export const organizationsAtOnce = 4;

interface Run {
  query: UncheckedQuery;
  report: { healthy: number; unhealthy: number };
  signal: AbortSignal;
}

export function createCheckHealth(deps: CheckHealthDeps): CheckHealth {
  const { health, catalogue, clock, intervalMs } = deps;
  return async (signal) => {
    const since = new Date(clock().getTime() - intervalMs / 2);
    const providers = catalogue.list().flatMap(({ id, test }) => (test === null ? [] : [id]));
    const run: Run = { query: { since, providers }, report: { healthy: 0, unhealthy: 0 }, signal };
    const organizations = lanesByOrganization(await health.lanes(run.query)).values();
    async function checkNext(): Promise<void> {
      for (const lanes of organizations) await checkOrganization(deps, run, lanes);
    }
    await Promise.all(Array.from({ length: organizationsAtOnce }, checkNext));
    return run.report;
  };
}

/** Checks the grants of one organisation, its connections in turns. */
async function checkOrganization(deps: CheckHealthDeps, run: Run, lanes: readonly GrantLane[]): Promise<void> {
  const { health, judgeGrants, clock, onHealthChange } = deps;
  const open: { lane: GrantLane; after: SweepCursor | null }[] = lanes.map((lane) => ({ lane, after: null }));
  for (let turn = open.shift(); turn !== undefined; turn = open.shift()) {
    run.signal.throwIfAborted();
    const page = await health.unchecked(run.query, turn.lane, { after: turn.after, limit: turnSize });
    if (page === undefined) continue;
    const records = recordsOf(await judgeGrants(page, { inBackground: true }, run.signal));
    reportChanges(onHealthChange, page, records, await health.record(records, clock()));
    for (const record of records) run.report[record.health] += 1;
    run.signal.throwIfAborted();
    if (page.next !== null) open.push({ lane: turn.lane, after: page.next });
  }
}
