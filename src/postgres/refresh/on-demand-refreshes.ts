import { type RawBuilder, sql } from 'kysely';
import type { OnDemandLimit } from '../../domain/ports/engine.ts';

/**
 * Counts one refresh on demand if fewer than `most` lie within the last `withinMs` milliseconds. Otherwise returns the
 * milliseconds to wait. Only the holder of the lease runs it, so counts never race. Times are the database's.
 */
export function onDemandStatement(
  grantId: string,
  { most, withinMs }: OnDemandLimit,
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
      then greatest(0, extract(epoch from recent.times[1] - clock_timestamp()) * 1000 + ${withinMs})::numeric end as wait_ms
    from recent left join counted on true`;
}
