import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { GrantsTable } from './tables.ts';

/** The row with its new lease, and the marks that an earlier holder left. */
export interface LeasedRow extends Selectable<GrantsTable> {
  earlier_refresh_started_at: Date | null;
  earlier_lease_owner: string | null;
}

/**
 * Takes the lease if nobody has it. The row is locked before the lease is looked at, so of any number who try at once
 * the second one already sees the first one's. clock_timestamp, not now: the wait for the lock counts as time.
 * Postgres before 18 cannot return what an update replaced, hence the row as it was from the lock.
 */
export function leaseStatement(
  grantId: string,
  owner: string,
  leaseMs: number,
  version: number | null,
): RawBuilder<LeasedRow> {
  return sql<LeasedRow>`
    with free as (
      select id, refresh_started_at as earlier_refresh_started_at, lease_owner as earlier_lease_owner from grants
      where id = ${grantId} and (lease_until is null or lease_until <= clock_timestamp())
        and version = coalesce(${version}, version)
      for update
    )
    update grants
    set lease_owner = ${owner},
      lease_until = clock_timestamp() + ${leaseMs} * interval '1 millisecond',
      refresh_started_at = clock_timestamp()
    from free where grants.id = free.id
    returning grants.*, free.earlier_refresh_started_at, free.earlier_lease_owner`;
}

/** Only its owner gives a lease back; whoever saves late, after the lease went to another, leaves it alone. */
export const givenBack = (owner: string) => ({
  lease_owner: sql<string | null>`case when lease_owner = ${owner} then null else lease_owner end`,
  lease_until: sql<Date | null>`case when lease_owner = ${owner} then null else lease_until end`,
});
