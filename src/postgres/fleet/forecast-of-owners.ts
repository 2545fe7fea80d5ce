import { type Kysely, sql } from 'kysely';
import type { BoundedCount, ForecastMeasure } from '../../domain/ports/fleet.ts';
import type { Tables } from '../tables.ts';

/**
 * Checks whether a refresh token ends although refreshes succeed: it was not prolonged so far, refreshes fail, or it ends
 * before the next one. The same rule as that of the warnings of expiry.
 */
export const refreshesDoNotProlong = sql`
  (refresh_rolls is not true or consecutive_failures > 0 or expires_at is null or expires_at > refresh_expires_at)`;

const hourMs = 3_600_000;
const hoursAhead = 7 * 24;

export interface OwnersForecast {
  owners: readonly string[];
  now: Date;
  windowMs: number;
  /** Grants that are read at most. */
  most: number;
}

/** Reads the grants of a few owners, and counts them by the hour of each measure. */
export async function countByHour(
  db: Kysely<Tables>,
  { owners, now, windowMs, most }: OwnersForecast,
): Promise<(measure: ForecastMeasure, range: { from: Date; to: Date }) => BoundedCount> {
  const hourOf = (column: string, from: Date) =>
    sql`floor(extract(epoch from ${sql.ref(column)} - ${from}::timestamptz) / 3600)`;
  const dueFrom = new Date(now.getTime() + windowMs);
  const { rows } = await sql<{ measure: ForecastMeasure; hour: number; grants: number }>`
    with owned as materialized (
      select listed.grant_id from unnest(${owners}::text[]) as caller (owner) cross join lateral (
        select grant_id from fleet_grants where owner = caller.owner
        order by provider, connection_name, grant_id limit ${most}
      ) as listed limit ${most}
    ), dated as materialized (
      select g.expires_at, g.refresh_expires_at, g.dies from owned cross join lateral (
        select expires_at, refresh_expires_at, ${refreshesDoNotProlong} as dies, status, refreshable
        from grants where grants.id = owned.grant_id limit 1
      ) as g where g.status = 'completed' and g.refreshable
    ), hourly as (
      select 'accessTokensExpiring' as measure, ${hourOf('expires_at', now)} as hour from dated
      union all
      select 'refreshes', greatest(0, ${hourOf('expires_at', dueFrom)}) from dated where expires_at is not null
      union all
      select 'refreshTokensDying', ${hourOf('refresh_expires_at', now)} from dated where dies
    )
    select measure, hour::int as hour, count(*)::int as grants
    from hourly where hour >= 0 and hour < ${hoursAhead} group by measure, hour`.execute(db);
  return (measure, { from, to }) => {
    const hour = (date: Date) => Math.round((date.getTime() - now.getTime()) / hourMs);
    const within = rows.filter((row) => row.measure === measure && row.hour >= hour(from) && row.hour < hour(to));
    return { count: within.reduce((sum, { grants }) => sum + grants, 0), isComplete: true };
  };
}
