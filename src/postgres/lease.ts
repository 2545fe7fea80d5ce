import { sql } from 'kysely';
import type pg from 'pg';
import { createGathered, type RunTogether } from './gathered.ts';
import { givenRows, inOrder } from './given-rows.ts';
import { type GrantRow, grantColumns } from './grant-rows.ts';
import { queryPrepared } from './pool.ts';

export interface LeaseRequest {
  grantId: string;
  owner: string;
  leaseMs: number;
  /** Null takes whatever version there is. */
  version: number | null;
}

/** The row with its new lease, and the marks that an earlier holder left: refresh_started_at is as it was found. */
export interface LeasedRow extends GrantRow {
  earlier_lease_owner: string | null;
}

const wanted = givenRows<LeaseRequest>('wanted', [
  ['id', 'uuid', ({ grantId }) => grantId],
  ['owner', 'text', ({ owner }) => owner],
  ['lease_ms', 'float8', ({ leaseMs }) => leaseMs],
  ['version', 'integer', ({ version }) => version],
]);
const leasedColumns = grantColumns.map((name) => `${name === 'refresh_started_at' ? 'free' : 'grants'}.${name}`);

/**
 * Takes the leases that nobody has. Each row is locked before its lease is looked at, so of any number who try at once
 * the second one already sees the first one's. clock_timestamp, not now: the wait for the lock counts as time.
 * Postgres before 18 cannot return what an update replaced, hence the row as it was from the lock.
 */
const leaseText = (lock: string) => `
  with wanted as (
    select * from ${wanted.text}
  ), free as (
    select wanted.*, refresh_started_at, lease_owner as earlier_lease_owner
    from wanted join grants using (id)
    where (lease_until is null or lease_until <= clock_timestamp())
      and grants.version = coalesce(wanted.version, grants.version)
    for update of grants ${lock}
  )
  update grants
  set lease_owner = free.owner,
    lease_until = clock_timestamp() + free.lease_ms * interval '1 millisecond',
    refresh_started_at = clock_timestamp()
  from free where grants.id = free.id
  returning free.n::integer, free.earlier_lease_owner, ${leasedColumns.join(', ')}`;

const waiting = { name: 'leases_waiting', text: leaseText('') };
const skipping = { name: 'leases_skipping', text: leaseText('skip locked') };

/** Nothing is at stake before the lease is there. */
const restMs = 2;

/** Undefined where another holds the lease, and where there is no such row of that version. */
export type TakeLease = (request: LeaseRequest) => Promise<LeasedRow | undefined>;

export function createTakeLease({ pool }: { pool: pg.Pool }): TakeLease {
  const takeTogether: RunTogether<LeaseRequest, LeasedRow> = async (requests, waits) => {
    const rows = await queryPrepared<LeasedRow & { n: number }>(pool, {
      ...(waits ? waiting : skipping),
      values: wanted.values(requests),
    });
    return inOrder(rows, requests.length);
  };
  return createGathered(takeTogether, { restMs });
}

/** Only its owner gives a lease back; whoever saves late, after the lease went to another, leaves it alone. */
export const givenBack = (owner: string) => ({
  lease_owner: sql<string | null>`case when lease_owner = ${owner} then null else lease_owner end`,
  lease_until: sql<Date | null>`case when lease_owner = ${owner} then null else lease_until end`,
});
