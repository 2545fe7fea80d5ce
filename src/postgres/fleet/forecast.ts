import { type Kysely, type RawBuilder, sql } from 'kysely';
import { scopeOf } from '../../domain/callers/scope.ts';
import {
  type BoundedCount,
  type FleetReader,
  type ForecastMeasure,
  type ForecastPeriod,
  forecastMeasures,
} from '../../domain/ports/fleet.ts';
import type { Tables } from '../tables.ts';
import { foldFleetIfMany, readCounts } from './counts.ts';
import { ownersOf } from './facts.ts';
import { countByHour, refreshesDoNotProlong } from './forecast-of-owners.ts';

/** Entries of an index that the count of one period reads at most. All periods together take some 20 ms. */
const maxEach = 1_000;
/** The same for counts that also look up each row. */
const maxEachLookedUp = 500;
/** Grants of a caller up to which they are counted themselves, in place of entries of the indexes of dates. */
const maxOwned = 5_000;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

interface Range {
  from: Date;
  to: Date;
}

export interface ForecastLimits {
  each: number;
  eachLookedUp: number;
  owned: number;
}

const defaults: ForecastLimits = { each: maxEach, eachLookedUp: maxEachLookedUp, owned: maxOwned };

export function createForecastReader({
  db,
  limits = defaults,
}: {
  db: Kysely<Tables>;
  limits?: ForecastLimits;
}): Pick<FleetReader, 'readForecast'> {
  return {
    async readForecast(reach, { now, windowMs }) {
      const scope = scopeOf(reach, undefined);
      const hours = periods(now, hourMs, 24);
      const days = periods(now, dayMs, 7);
      const owners = ownersOf(scope);
      await foldFleetIfMany(db);
      const owned = (await readCounts(db, scope)).reduce((sum, { grants }) => sum + grants, 0);
      if (owners !== undefined && owned <= limits.owned) {
        const countOf = await countByHour(db, { owners, now, windowMs, most: limits.owned });
        const read = (range: Range) => periodOf(range, (measure) => countOf(measure, range));
        return { hours: hours.map(read), days: days.map(read) };
      }
      const isCounted =
        scope.kind === 'all'
          ? null
          : owners === undefined
            ? sql`organization_id is not null`
            : sql`coalesce(organization_id, '') = any(${owners}::text[])`;
      const ranges = [...hours, ...days];
      const counts = {} as Record<ForecastMeasure, BoundedCount[]>;
      // One after the other: a page must not take several connections of the pool at once.
      for (const measure of forecastMeasures) {
        counts[measure] = await countRanges(db, { measure, ranges, windowMs, isCounted, limits });
      }
      const all = ranges.map((range, at) => periodOf(range, (measure) => counts[measure][at]));
      return { hours: all.slice(0, hours.length), days: all.slice(hours.length) };
    },
  };
}

function periods(now: Date, lengthMs: number, count: number): Range[] {
  const at = (n: number) => new Date(now.getTime() + n * lengthMs);
  return Array.from({ length: count }, (_, n) => ({ from: at(n), to: at(n + 1) }));
}

function periodOf(range: Range, countOf: (measure: ForecastMeasure) => BoundedCount | undefined): ForecastPeriod {
  const of = (measure: ForecastMeasure) => countOf(measure) ?? { count: 0, isComplete: false };
  return {
    ...range,
    accessTokensExpiring: of('accessTokensExpiring'),
    refreshes: of('refreshes'),
    refreshTokensDying: of('refreshTokensDying'),
  };
}

interface RangeCount {
  measure: ForecastMeasure;
  ranges: readonly Range[];
  windowMs: number;
  /** Condition on a looked-up grant; null if every grant counts. */
  isCounted: RawBuilder<unknown> | null;
  limits: ForecastLimits;
}

/** Counts the entries of an index of dates in each range, each from the begin of the range. */
async function countRanges(db: Kysely<Tables>, query: RangeCount): Promise<BoundedCount[]> {
  const { measure, ranges, windowMs, isCounted, limits } = query;
  const date = sql.ref(measure === 'refreshTokensDying' ? 'refresh_expires_at' : 'expires_at');
  const conditions = [
    ...(isCounted === null ? [] : [isCounted]),
    ...(measure === 'refreshTokensDying' ? [refreshesDoNotProlong] : []),
  ];
  const most = conditions.length === 0 ? limits.each : limits.eachLookedUp;
  // The limit keeps the condition a look-up of single rows.
  const counts =
    conditions.length === 0
      ? sql`true`
      : sql`(select ${sql.join(conditions, sql` and `)} from grants where grants.id = entry.id limit 1)`;
  const shiftMs = measure === 'refreshes' ? windowMs : 0;
  // An overdue refresh belongs to the first hour and to the first day.
  const [first] = ranges;
  const isOverdueCounted = (from: Date) => measure === 'refreshes' && from.getTime() === first?.from.getTime();
  const froms = ranges.map(({ from }) => (isOverdueCounted(from) ? null : later(from, shiftMs)));
  const { rows } = await sql<BoundedCount>`
    select counted.count, counted.is_complete as "isComplete"
    from unnest(${froms}::timestamptz[], ${ranges.map(({ to }) => later(to, shiftMs))}::timestamptz[])
      with ordinality as range (begins, ends, place)
    cross join lateral (
      select count(*) filter (where ${counts})::int as count, count(*) <= ${most} as is_complete
      from (
        select id from grants
        where status = 'completed' and refreshable and ${date} is not null
          and ${date} >= coalesce(range.begins, '-infinity') and ${date} < range.ends
        order by ${date}, id limit ${most + 1}
      ) as entry
    ) as counted
    order by range.place`.execute(db);
  return rows;
}

function later(date: Date, ms: number): Date {
  return new Date(date.getTime() + ms);
}
