import { type Kysely, sql } from 'kysely';
import type { SweepStatus, SweepStore } from '../../domain/ports/maintenance/sweeps.ts';
import type { SweepsTable } from '../background-tables.ts';
import type { Tables } from '../tables.ts';
import { createSweepList, deleteList } from './sweep-list.ts';

/**
 * Silence in milliseconds after which a sweep counts as broken off. A running sweep reports progress every few seconds;
 * a shorter value lets a second sweep start beside a slow one.
 */
const silentForMs = 30_000;
/** Number of sweeps kept for the history. Older ones are deleted when a new one begins. */
const sweepsKept = 100;
/** Key of the advisory lock: an arbitrary number that no other lock in the database uses. */
const beginLock = '7203117461220320';

const sweepColumns = [
  'id',
  'started_at',
  'finished_at',
  'found',
  'enqueued',
  'refreshed',
  'failed',
  'skipped',
] as const satisfies readonly (keyof SweepsTable)[];

const isRunning = sql<boolean>`
  (finished_at is null and coalesce(seen_at > clock_timestamp() - ${silentForMs} * interval '1 millisecond', false))`;

export function createSweepStore({ db }: { db: Kysely<Tables> }): SweepStore {
  const sweep = (id: string) => db.updateTable('sweeps').where('id', '=', id);
  return {
    ...createSweepList(db),

    begin: (id, pauseMs) => db.transaction().execute((transaction) => begin(transaction, id, pauseMs)),

    async progress(id, progress) {
      await sweep(id)
        .set({ ...progress, seen_at: sql`clock_timestamp()` })
        .execute();
    },

    async finish(id, progress) {
      await sweep(id)
        .set({ ...progress, finished_at: sql`clock_timestamp()` })
        .execute();
      await deleteList(db, id);
    },

    async giveUp(id) {
      await sweep(id).set({ seen_at: null }).where('finished_at', 'is', null).execute();
      await deleteList(db, id);
    },

    async count(id, { refreshed, failed, skipped }) {
      await sweep(id)
        .set((eb) => ({
          refreshed: eb('refreshed', '+', refreshed),
          failed: eb('failed', '+', failed),
          skipped: eb('skipped', '+', skipped),
        }))
        .execute();
    },

    last: async () => (await listSweeps(db, 1))[0] ?? null,

    list: (limit) => listSweeps(db, limit),
  };
}

async function begin(db: Kysely<Tables>, id: string, pauseMs: number): Promise<'begun' | 'running' | 'done'> {
  // A second process waits here, and then reads the sweep that the first one inserted.
  await sql`select pg_advisory_xact_lock(${beginLock}::bigint)`.execute(db);
  const last = await db
    .selectFrom('sweeps')
    .select([
      'finished_at',
      isRunning.as('running'),
      sql<boolean>`started_at > clock_timestamp() - ${pauseMs} * interval '1 millisecond'`.as('recent'),
    ])
    .orderBy('sweeps.started_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (last?.running === true) return 'running';
  if (last !== undefined && last.finished_at !== null && last.recent) return 'done';
  await db.insertInto('sweeps').values({ id }).execute();
  // Lists of sweeps whose process was killed.
  await db.deleteFrom('sweep_grants').where('sweep_id', '!=', id).execute();
  await sql`delete from sweeps where started_at < (select started_at from sweeps order by started_at desc offset ${sweepsKept} limit 1)`.execute(
    db,
  );
  return 'begun';
}

async function listSweeps(db: Kysely<Tables>, limit: number): Promise<SweepStatus[]> {
  const rows = await db
    .selectFrom('sweeps')
    .select(sweepColumns)
    .select(isRunning.as('running'))
    .orderBy('sweeps.started_at', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ started_at, finished_at, running, ...counts }) => ({
    ...counts,
    startedAt: started_at,
    finishedAt: finished_at,
    isRunning: running,
  }));
}
