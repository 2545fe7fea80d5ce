import { type RawBuilder, sql } from 'kysely';
import type { ForcedRefreshLimit } from '../domain/ports/engine.ts';

/**
 * Counts one more refresh on demand where fewer than `most` lie within the last `withinMs`, and answers how long to wait
 * where not. Asked by the holder of the lease, so nobody counts at the same time. Times are the database's.
 */
export function forcedRefreshStatement(
  grantId: string,
  { most, withinMs }: ForcedRefreshLimit,
): RawBuilder<{ wait_ms: number | null }> {
  return sql<{ wait_ms: number | null }>`
    with recent as (
      select id, array(
        select at from unnest(forced_refreshes_at) as at
        where at > clock_timestamp() - ${withinMs} * interval '1 millisecond' order by at
      ) as times
      from grants where id = ${grantId}
      for update
    ), counted as (
      update grants set forced_refreshes_at = recent.times || clock_timestamp()
      from recent where grants.id = recent.id and cardinality(recent.times) < ${most}
      returning grants.id
    )
    select case when counted.id is null
      then greatest(0, extract(epoch from recent.times[1] - clock_timestamp()) * 1000 + ${withinMs})::float8 end as wait_ms
    from recent left join counted on true`;
}
