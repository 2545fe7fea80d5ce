import type pg from 'pg';
import { siblingDue } from '../../domain/grants/siblings.ts';
import type { SpooledTokens } from '../../domain/ports/spool.ts';
import { createBatchedQuery } from '../batch/batched-query.ts';
import { inOrder, quote, unnestRows } from '../batch/unnest-rows.ts';
import { queryPrepared } from '../driver/query-prepared.ts';
import { siblingColumns } from '../grants/sibling-columns.ts';
import type { GrantChanged } from '../notify/channels.ts';

const entries = unnestRows<SpooledTokens>('entries', [
  ['id', 'uuid', ({ base }) => base.id],
  ['version', 'integer', ({ base }) => base.version],
  ['owner', 'text', ({ owner }) => owner],
  ['sealed', 'text', ({ tokens }) => Buffer.from(tokens.sealed).toString('base64')],
  ['expires_at', 'timestamptz', ({ tokens }) => instant(tokens.metadata.expiresAt)],
  ['refresh_expires_at', 'timestamptz', ({ tokens }) => instant(tokens.metadata.refreshExpiresAt)],
  ['obtained_at', 'timestamptz', ({ tokens }) => instant(tokens.metadata.obtainedAt)],
  ['lifetime_seconds', 'float8', ({ tokens }) => tokens.metadata.lifetimeSeconds],
  ['refreshable', 'boolean', ({ tokens }) => tokens.metadata.refreshable],
  ['scopes', 'text', ({ tokens }) => arrayLiteral(tokens.metadata.scopes)],
  ['keep_alive_at', 'timestamptz', ({ tokens }) => instant(tokens.metadata.keepAliveAt)],
  ['siblings', 'jsonb', ({ tokens }) => siblingColumns(tokens.metadata.siblings).siblings],
  ['sibling_expires_at', 'timestamptz', ({ tokens }) => instant(siblingDue(tokens.metadata.siblings).expiresAt)],
  ['sibling_retry_at', 'timestamptz', ({ tokens }) => instant(siblingDue(tokens.metadata.siblings).retryAt)],
  ['time', 'timestamptz', ({ event }) => instant(event.time)],
  ['actor', 'text', ({ event }) => event.actor],
  ['action', 'text', ({ event }) => event.action],
  ['connection_name', 'text', ({ event }) => event.connectionName],
  ['outcome', 'text', ({ event }) => event.outcome],
  ['details', 'jsonb', ({ event }) => JSON.stringify(event.details)],
  ['request_id', 'text', ({ event }) => event.requestId],
  ['address', 'text', ({ event }) => event.address],
]);

/**
 * Writes each token set whose row still has the version it was built on, with one audit event for each set written.
 * The version decides, not the lease: a process that paused with the rotated token must still be able to save it.
 * refresh_rolls says whether this refresh moved the refresh token's expiry by more than half the time that has passed.
 * It is null if one of the dates is unknown. Half, because expiries computed from seconds waver by some seconds.
 * A success shows that the client is accepted, so it clears the client's refusals. It never waits for a refusal that is
 * being counted: the two could wait for each other, and the next success clears that one.
 */
const saveText = (lock: string) => `
  with unchanged as (
    select ${entries.columns} from ${entries.text} join grants using (id, version)
    for update of grants ${lock}
  ), saved as (
    update grants
    set sealed_tokens = decode(unchanged.sealed, 'base64'),
      expires_at = unchanged.expires_at,
      refresh_expires_at = unchanged.refresh_expires_at,
      obtained_at = unchanged.obtained_at,
      lifetime_seconds = unchanged.lifetime_seconds,
      longest_lifetime_seconds = greatest(grants.longest_lifetime_seconds, unchanged.lifetime_seconds),
      refreshable = unchanged.refreshable,
      scopes = unchanged.scopes::text[],
      keep_alive_at = unchanged.keep_alive_at,
      siblings = unchanged.siblings,
      sibling_expires_at = unchanged.sibling_expires_at,
      sibling_retry_at = unchanged.sibling_retry_at,
      refresh_rolls = unchanged.refresh_expires_at - grants.refresh_expires_at
        > (unchanged.obtained_at - grants.obtained_at) / 2,
      status = 'completed',
      status_reason = null,
      status_message = null,
      consecutive_failures = 0,
      failing_since = null,
      last_error = null,
      retry_at = null,
      refresh_started_at = null,
      lease_owner = case when lease_owner = unchanged.owner then null else lease_owner end,
      lease_until = case when lease_owner = unchanged.owner then null else lease_until end,
      version = unchanged.version + 1,
      last_refresh_at = unchanged.time,
      updated_at = unchanged.time
    from unchanged where grants.id = unchanged.id
    returning n, time, actor, action, connection_name, outcome, details, request_id, address,
      grants.id as grant_id, connection_id, organization_id, subject
  ), recorded as (
    insert into audit_events (
      time, actor, action, organization_id, connection_id, connection_name, grant_id, outcome, details, request_id, address
    )
    select
      time, actor, action, organization_id, connection_id, connection_name, grant_id, outcome, details, request_id, address
    from saved
  ), cleared as (
    delete from client_refusals where connection_id in (
      select connection_id from client_refusals
      where connection_id in (select connection_id from saved)
      for update skip locked
    )
  )
  select n::integer, grant_id, connection_id, organization_id, subject from saved`;

const waiting = { name: 'saves_waiting', text: saveText('') };
const skipping = { name: 'saves_skipping', text: saveText('skip locked') };

/**
 * Returns undefined, with nothing written, if the row has another version or is gone. Never waits for more entries:
 * a token set that is not yet stored is lost if the process ends.
 */
export type SaveRefreshed = (entry: SpooledTokens) => Promise<GrantChanged | undefined>;

export function createSaveRefreshed({ pool }: { pool: pg.Pool }): SaveRefreshed {
  return createBatchedQuery<SpooledTokens, GrantChanged>(async (batch, waits) => {
    const rows = await queryPrepared<GrantChanged & { n: number }>(pool, {
      ...(waits ? waiting : skipping),
      values: entries.values(batch),
    });
    return inOrder(rows, batch.length).map((row) => row && notificationOf(row));
  });
}

/** Drops column `n`, which is no part of the notification. */
function notificationOf({ grant_id, connection_id, organization_id, subject }: GrantChanged): GrantChanged {
  return { grant_id, connection_id, organization_id, subject };
}

function instant(at: Date | null | undefined): string | null {
  return at?.toISOString() ?? null;
}

/** Writes an array as one element of another array, so that rows may hold arrays of different lengths. */
function arrayLiteral(texts: readonly string[]): string {
  return `{${texts.map(quote)}}`;
}
