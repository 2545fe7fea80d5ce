import { type Kysely, type Selectable, sql } from 'kysely';
import type { ClaimedRun, HealthLane, HealthRun, HealthRunStore } from '../../domain/ports/maintenance/health-runs.ts';
import type { HealthRunsTable } from '../background-tables.ts';
import type { Tables } from '../tables.ts';
import { createHealthLanes } from './health-lanes.ts';
import { recordHealth } from './health-store.ts';

/**
 * Silence in milliseconds after which another process may claim the run. The process that checks shows progress every
 * few seconds; a shorter value lets a second process check beside a slow one.
 */
const silentForMs = 30_000;
/** Number of runs kept. Older ones are deleted when a new one is requested. */
const runsKept = 100;

const runColumns = [
  'id',
  'requested_at',
  'started_at',
  'finished_at',
  'total',
  'healthy',
  'unhealthy',
  'skipped',
] as const satisfies readonly (keyof HealthRunsTable)[];

const isAlive = sql<boolean>`coalesce(seen_at > clock_timestamp() - ${silentForMs} * interval '1 millisecond', false)`;
const isRunning = sql<boolean>`(finished_at is null and ${isAlive})`;

/** Keeps the progress of the check of all grants. A unique index allows one unfinished run. */
export function createHealthRunStore({ db }: { db: Kysely<Tables> }): HealthRunStore {
  const claimed = ({ id, claim }: ClaimedRun) =>
    db.updateTable('health_runs').where('id', '=', id).where('claimed_by', '=', claim).where('finished_at', 'is', null);
  return {
    ...createHealthLanes(db),

    async request(id) {
      for (;;) {
        const added = await db
          .insertInto('health_runs')
          .values({ id })
          .onConflict((conflict) => conflict.doNothing())
          .returning('id')
          .executeTakeFirst();
        const run = await readRun(db, (query) =>
          added === undefined ? query.where('finished_at', 'is', null) : query.where('id', '=', id),
        );
        if (added !== undefined) await deleteOld(db);
        // Another process may have finished its run between the two statements.
        if (run !== null) return { run, isNew: added !== undefined };
      }
    },

    last: () => readRun(db, (query) => query),

    async isWaiting() {
      const { rows } = await sql<{ waits: boolean }>`
        select exists (select from health_runs where finished_at is null and not ${isAlive}) as waits`.execute(db);
      return rows[0]?.waits ?? false;
    },

    async claim(claim) {
      const run = await db
        .updateTable('health_runs')
        .set({
          claimed_by: claim,
          seen_at: sql`clock_timestamp()`,
          started_at: sql`coalesce(started_at, clock_timestamp())`,
          total: sql`coalesce(total, ${allGrants})`,
        })
        .where('finished_at', 'is', null)
        .where(sql<boolean>`not ${isAlive}`)
        .returning('id')
        .executeTakeFirst();
      if (run !== undefined) return { kind: 'claimed', run: { id: run.id, claim } };
      const unfinished = await readRun(db, (query) => query.where('finished_at', 'is', null));
      return { kind: unfinished === null ? 'none' : 'taken' };
    },

    async keep(run) {
      const kept = await claimed(run).set({ seen_at: sql`clock_timestamp()` }).returning('id').executeTakeFirst();
      return kept !== undefined;
    },

    recordTurn: (run, lane, { next, records, skipped }, at) =>
      db.transaction().execute(async (transaction) => {
        const healthy = records.filter(({ health }) => health === 'healthy').length;
        // First: it refuses a process that has lost the run, before that records anything.
        const own = await transaction
          .updateTable('health_runs')
          .set((eb) => ({
            healthy: eb('healthy', '+', healthy),
            unhealthy: eb('unhealthy', '+', records.length - healthy),
            skipped: eb('skipped', '+', skipped),
            seen_at: sql`clock_timestamp()`,
          }))
          .where('id', '=', run.id)
          .where('claimed_by', '=', run.claim)
          .where('finished_at', 'is', null)
          .returning('id')
          .executeTakeFirst();
        if (own === undefined) return undefined;
        await moveLane(transaction, run, lane, next);
        return recordHealth(transaction, records, at);
      }),

    async finish(run) {
      const finished = await claimed(run)
        .set({ finished_at: sql`clock_timestamp()` })
        .returning('id')
        .executeTakeFirst();
      return finished === undefined ? null : readRun(db, (query) => query.where('id', '=', run.id));
    },

    async release(run) {
      await claimed(run).set({ claimed_by: null, seen_at: null }).execute();
    },
  };
}

/** Sums the maintained counts of all owners, with the changes that are not yet added to them. */
const allGrants = sql<number>`(
  select coalesce(sum(grants), 0)::int from (
    select grants from health_counts where owner in ('*', '') union all select grants from health_count_changes
  ) as counted)`;

const selectRuns = (db: Kysely<Tables>) =>
  db.selectFrom('health_runs').select(runColumns).select(isRunning.as('running'));

async function readRun(
  db: Kysely<Tables>,
  narrow: (query: ReturnType<typeof selectRuns>) => ReturnType<typeof selectRuns>,
): Promise<HealthRun | null> {
  const row = await narrow(selectRuns(db)).orderBy('health_runs.requested_at', 'desc').limit(1).executeTakeFirst();
  return row === undefined ? null : toRun(row);
}

function toRun(row: Pick<Selectable<HealthRunsTable>, (typeof runColumns)[number]> & { running: boolean }): HealthRun {
  const { requested_at, started_at, finished_at, running, ...numbers } = row;
  return {
    ...numbers,
    requestedAt: requested_at,
    startedAt: started_at,
    finishedAt: finished_at,
    isRunning: running,
  };
}

async function moveLane(
  db: Kysely<Tables>,
  { id }: ClaimedRun,
  { connectionId, organizationId, turn }: HealthLane,
  next: HealthLane['after'],
): Promise<void> {
  const lane = { run_id: id, connection_id: connectionId, owner: organizationId ?? '' };
  if (next === null) {
    await db
      .deleteFrom('health_run_lanes')
      .where((eb) => eb.and(lane))
      .execute();
    return;
  }
  await db
    .updateTable('health_run_lanes')
    .set({ turn: turn + 1, after_at: next.at, after_id: next.id })
    .where((eb) => eb.and(lane))
    .execute();
}

async function deleteOld(db: Kysely<Tables>): Promise<void> {
  await sql`
    delete from health_runs where finished_at is not null and requested_at < (
      select requested_at from health_runs order by requested_at desc offset ${runsKept} limit 1)`.execute(db);
}
