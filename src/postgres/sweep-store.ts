import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { DueQuery, SweepPart, SweepStatus, SweepStore } from '../domain/ports/engine.ts';
import { maxSoftMarginMs, softMarginShare } from '../domain/refresh-policy.ts';
import type { Tables } from './tables.ts';

/** A sweep that has not told of itself for this long is taken for dead. It tells at least every few seconds. */
const silentForMs = 30_000;
/** Enough to look back on; older ones go when a new one begins. */
const sweepsKept = 100;
/** Any number that no other lock of a transaction in this database has. */
const beginLock = '7203117461220320';

interface DueRow {
  at: Date;
  id: string;
  urgent: boolean;
}

/** In step with isDue: softMarginMs of a row, in milliseconds. */
const softMargin = sql`least(${maxSoftMarginMs}::float8, lifetime_seconds * ${1000 * softMarginShare}::float8)`;

const parts: Record<SweepPart, { column: string; which: (query: DueQuery) => RawBuilder<unknown> }> = {
  expiring: {
    column: 'expires_at',
    which: ({ now, intervalMs, windowMs }) => sql`
      status = 'completed' and refreshable and expires_at is not null
      and expires_at <= ${later(now, windowMs)} and (retry_at is null or retry_at <= ${now})
      -- Obtained just now and sure to outlive the next sweep: no storm after a restart.
      and not (
        coalesce(obtained_at > ${later(now, -intervalMs / 2)}, false)
        and expires_at > ${later(now, intervalMs)}::timestamptz + ${softMargin} * interval '1 millisecond')`,
  },
  retrying: {
    column: 'retry_at',
    which: ({ now }) => sql`status = 'failed' and retry_at is not null and retry_at <= ${now}`,
  },
  idle: {
    column: 'keep_alive_at',
    which: ({ now }) => sql`
      status = 'completed' and refreshable and keep_alive_at is not null
      and keep_alive_at <= ${now} and (retry_at is null or retry_at <= ${now})`,
  },
};

/** One page, in the order of the part's own partial index, so that it reads about as many rows as it returns. */
export function dueGrants(query: DueQuery): RawBuilder<DueRow> {
  const { part, now, intervalMs, after, limit } = query;
  const { column, which } = parts[part];
  const at = sql.ref(column);
  const beyond = after === null ? sql`true` : sql`(${at}, id) > (${after.at}::timestamptz, ${after.id}::uuid)`;
  const urgent =
    part === 'expiring'
      ? sql`expires_at <= ${later(now, intervalMs)}::timestamptz + ${softMargin} * interval '1 millisecond'`
      : sql`false`;
  return sql<DueRow>`
    select ${at} as at, id, ${urgent} as urgent from grants
    where ${which(query)} and ${beyond}
    order by ${at}, id limit ${limit}`;
}

function later(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms);
}

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
