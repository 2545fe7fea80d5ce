import { sql } from 'kysely';
import type pg from 'pg';
import { createBatchedQuery, type RunTogether } from '../batch/batched-query.ts';
import { inOrder, unnestRows } from '../batch/unnest-rows.ts';
import { columnsText } from '../columns.ts';
import { queryPrepared } from '../driver/query-prepared.ts';
import { type GrantRow, grantColumns } from '../grants/grant-rows.ts';

export interface LeaseRequest {
  grantId: string;
  owner: string;
  leaseMs: number;
  /** The version the grant must still have. Null accepts any version. */
  version: number | null;
  /** Second token set that the holder will refresh; null for the main one. The intent is recorded with that one. */
  sibling: string | null;
}

/**
 * The grant with its new lease. `refresh_started_at`, `siblings` and `earlier_lease_owner` are the values before this
 * lease.
 */
export interface LeasedRow extends GrantRow {
  earlier_lease_owner: string | null;
}

const requests = unnestRows<LeaseRequest>('requests', [
  ['id', 'uuid', ({ grantId }) => grantId],
  ['owner', 'text', ({ owner }) => owner],
  ['lease_ms', 'float8', ({ leaseMs }) => leaseMs],
  ['version', 'integer', ({ version }) => version],
  ['sibling', 'text', ({ sibling }) => sibling],
]);
const replaced = ['refresh_started_at', 'siblings'];
const kept = grantColumns.filter((name) => !replaced.includes(name));

/**
 * Takes every requested lease that is free. Each row is locked before its lease is checked, so the second of two
 * concurrent requests sees the lease of the first. clock_timestamp, not now: time spent waiting for the lock counts.
 * Postgres before version 18 cannot return replaced values, so they come from the locked row.
 */
const leaseText = (lock: string) => `
  with free as (
    select ${requests.columns}, refresh_started_at, siblings, lease_owner as earlier_lease_owner
    from ${requests.text} join grants using (id)
    where (lease_until is null or lease_until <= clock_timestamp())
      and grants.version = coalesce(requests.version, grants.version)
    for update of grants ${lock}
  )
  update grants
  set lease_owner = free.owner,
    lease_until = clock_timestamp() + free.lease_ms * interval '1 millisecond',
    refresh_started_at = case when free.sibling is null then clock_timestamp() else grants.refresh_started_at end,
    siblings = case
      when grants.siblings ? free.sibling
      then jsonb_set(grants.siblings, array[free.sibling, 'refreshStartedAt'], to_jsonb(clock_timestamp()))
      else grants.siblings
    end
  from free where grants.id = free.id
  returning free.n::integer, free.earlier_lease_owner, ${columnsText('grants', kept)}, ${columnsText('free', replaced)}`;

const waiting = { name: 'leases_waiting', text: leaseText('') };
const skipping = { name: 'leases_skipping', text: leaseText('skip locked') };

/** Pause in milliseconds between two batches. Waiting is safe: no request was sent yet, so nothing can be lost. */
const restMs = 2;

/** Returns undefined if another process holds the lease, or if no row has that id and version. */
export type TakeLease = (request: LeaseRequest) => Promise<LeasedRow | undefined>;

export function createTakeLease({ pool }: { pool: pg.Pool }): TakeLease {
  const takeTogether: RunTogether<LeaseRequest, LeasedRow> = async (batch, waits) => {
    const rows = await queryPrepared<LeasedRow & { n: number }>(pool, {
      ...(waits ? waiting : skipping),
      values: requests.values(batch),
    });
    return inOrder(rows, batch.length);
  };
  return createBatchedQuery(takeTogether, { restMs });
}

/** Column values that clear the lease if `owner` still holds it. A late save leaves the next holder's lease in place. */
export const releasedLease = (owner: string) => ({
  lease_owner: sql<string | null>`case when lease_owner = ${owner} then null else lease_owner end`,
  lease_until: sql<Date | null>`case when lease_owner = ${owner} then null else lease_until end`,
});
