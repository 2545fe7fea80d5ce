import { type Kysely, sql } from 'kysely';
import type { SweepStatus, SweepStore } from '../domain/ports/upkeep.ts';
import { dueGrants } from './due-grants.ts';
import type { Tables } from './tables.ts';

/** A sweep that has not told of itself for this long is taken for dead. It tells at least every few seconds. */
const silentForMs = 30_000;
/** Enough to look back on; older ones go when a new one begins. */
const sweepsKept = 100;
/** Any number that no other lock of a transaction in this database has. */
const beginLock = '7203117461220320';

const isRunning = sql<boolean>`
  (finished_at is null and coalesce(seen_at > clock_timestamp() - ${silentForMs} * interval '1 millisecond', false))`;

export function createSweepStore({ db }: { db: Kysely<Tables> }): SweepStore {
  const sweep = (id: string) => db.updateTable('sweeps').where('id', '=', id);
  return {
    async due(query) {
      const { rows } = await dueGrants(query).execute(db);
      const last = rows.at(-1);
      const next = last !== undefined && rows.length === query.limit ? { at: last.at, id: last.id } : null;
      return { grants: rows.map(({ id, urgent }) => ({ id, urgent })), next };
    },

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
    },

    async giveUp(id) {
      await sweep(id).set({ seen_at: null }).where('finished_at', 'is', null).execute();
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

    last: () => lastSweep(db),
  };
}

async function begin(db: Kysely<Tables>, id: string, pauseMs: number): Promise<'begun' | 'running' | 'done'> {
  // Whoever comes second waits here, and sees below what the first one wrote.
  await sql`select pg_advisory_xact_lock(${beginLock}::bigint)`.execute(db);
  const last = await db
    .selectFrom('sweeps')
    .select([
      'finished_at',
      isRunning.as('running'),
      sql<boolean>`started_at > clock_timestamp() - ${pauseMs} * interval '1 millisecond'`.as('recent'),
    ])
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (last?.running === true) return 'running';
  if (last !== undefined && last.finished_at !== null && last.recent) return 'done';
  await db.insertInto('sweeps').values({ id }).execute();
  await sql`delete from sweeps where started_at < (select started_at from sweeps order by started_at desc offset ${sweepsKept} limit 1)`.execute(
    db,
  );
  return 'begun';
}

async function lastSweep(db: Kysely<Tables>): Promise<SweepStatus | null> {
  const row = await db
    .selectFrom('sweeps')
    .selectAll()
    .select(isRunning.as('running'))
    .orderBy('started_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { id, found, enqueued, refreshed, failed, skipped } = row;
  return {
    id,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    isRunning: row.running,
    ...{ found, enqueued, refreshed, failed, skipped },
  };
}
