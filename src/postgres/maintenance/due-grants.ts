import { type RawBuilder, sql } from 'kysely';
import { maxSoftMarginMs, softMarginShare } from '../../domain/grants/refresh-policy.ts';
import type { DueQuery, SweepPart } from '../../domain/ports/maintenance/sweeps.ts';

export interface DueRow {
  at: Date;
  id: string;
  connection_id: string;
  organization_id: string | null;
  urgent: boolean;
}

/** The soft margin of a row in milliseconds. Must match softMarginMs, which isDue applies to the same grants. */
const softMargin = sql`least(${maxSoftMarginMs}::float8, lifetime_seconds * ${1000 * softMarginShare}::float8)`;

interface Part {
  /** The sweep reads a part in the order of this column. */
  column: string;
  /** Rows of the part, as its partial index has them: every condition but time. */
  which: RawBuilder<unknown>;
  isDue: (query: DueQuery) => RawBuilder<unknown>;
  /** Whether a row expires before the next sweep reaches it. */
  isUrgent: (query: DueQuery) => RawBuilder<unknown>;
}

const refreshable = sql`status = 'completed' and refreshable`;
const mayBeCalled = ({ now }: DueQuery) => sql`(retry_at is null or retry_at <= ${now})`;
const never = () => sql`false`;

/** Checks whether an instant of a row comes before the next sweep reaches it. */
function isSoon(column: string, margin: RawBuilder<unknown>, { now, intervalMs }: DueQuery): RawBuilder<unknown> {
  return sql`${sql.ref(column)} <= ${later(now, intervalMs)}::timestamptz + ${margin} * interval '1 millisecond'`;
}

/**
 * Checks whether an instant lies in the window of the sweep. Skips a token that is new and outlives the next sweep, so
 * that restarts cause no burst of refreshes.
 */
function isEnding(column: string, margin: RawBuilder<unknown>, query: DueQuery): RawBuilder<unknown> {
  const { now, intervalMs, windowMs } = query;
  const isNew = sql`coalesce(obtained_at > ${later(now, -intervalMs / 2)}, false)`;
  return sql`
    ${sql.ref(column)} <= ${later(now, windowMs)}
    and not (${isNew} and not ${isSoon(column, margin, query)})`;
}

const accessTokenEnds = (query: DueQuery) => isEnding('expires_at', softMargin, query);
const refreshTokenEnds = (query: DueQuery) =>
  sql`refresh_expires_at > ${query.now} and ${isEnding('refresh_expires_at', sql.lit(maxSoftMarginMs), query)}`;
/** Leaves a row to the part of the sweep that has this condition. */
const butNot = (condition: RawBuilder<unknown>) => sql`not coalesce(${condition}, false)`;

const parts: Record<SweepPart, Part> = {
  expiring: {
    column: 'expires_at',
    which: sql`${refreshable} and expires_at is not null`,
    isDue: (query) => sql`${accessTokenEnds(query)} and ${mayBeCalled(query)}`,
    isUrgent: (query) => isSoon('expires_at', softMargin, query),
  },
  ending: {
    column: 'refresh_expires_at',
    which: sql`${refreshable} and refresh_expires_at is not null`,
    isDue: (query) => sql`${refreshTokenEnds(query)} and ${butNot(accessTokenEnds(query))} and ${mayBeCalled(query)}`,
    isUrgent: (query) => isSoon('refresh_expires_at', sql.lit(maxSoftMarginMs), query),
  },
  retrying: {
    column: 'retry_at',
    which: sql`status = 'failed' and retry_at is not null`,
    isDue: ({ now }) => sql`retry_at <= ${now}`,
    isUrgent: never,
  },
  idle: {
    column: 'keep_alive_at',
    which: sql`${refreshable} and keep_alive_at is not null`,
    isDue: (query) => sql`keep_alive_at <= ${query.now} and ${mayBeCalled(query)}`,
    isUrgent: never,
  },
  untried: {
    column: 'created_at',
    which: sql`
      ${refreshable} and expires_at is null
      and (obtained_at is null or last_refresh_at is null or last_refresh_at < obtained_at)`,
    isDue: (query) => sql`${butNot(refreshTokenEnds(query))} and ${mayBeCalled(query)}`,
    isUrgent: never,
  },
  // A row is due for the earliest of its second token sets. The job looks at each of them.
  siblings: {
    column: 'sibling_expires_at',
    which: sql`sibling_expires_at is not null`,
    isDue: ({ now, windowMs }) => sql`
      sibling_expires_at <= ${later(now, windowMs)} and (sibling_retry_at is null or sibling_retry_at <= ${now})`,
    isUrgent: (query) => isSoon('sibling_expires_at', sql.lit(maxSoftMarginMs), query),
  },
};

/** Selects one page in the order of the part's partial index, so that it reads about as many rows as it returns. */
export function dueGrants(query: DueQuery): RawBuilder<DueRow> {
  const { part, after, limit } = query;
  const { column, which, isDue, isUrgent } = parts[part];
  const at = sql.ref(column);
  const beyond = after === null ? sql`true` : sql`(${at}, id) > (${after.at}::timestamptz, ${after.id}::uuid)`;
  return sql<DueRow>`
    select ${at} as at, id, connection_id, organization_id, coalesce(${isUrgent(query)}, false) as urgent from grants
    where ${which} and ${isDue(query)} and ${beyond}
    order by ${at}, id limit ${limit}`;
}

function later(now: Date, ms: number): Date {
  return new Date(now.getTime() + ms);
}
