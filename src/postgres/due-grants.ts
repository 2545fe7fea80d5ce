import { type RawBuilder, sql } from 'kysely';
import type { DueQuery, SweepPart } from '../domain/ports/upkeep.ts';
import { maxSoftMarginMs, softMarginShare } from '../domain/refresh-policy.ts';

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
