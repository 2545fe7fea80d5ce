import type pg from 'pg';
import type { SpooledTokens } from '../domain/ports/spool.ts';
import type { GrantChanged } from './channels.ts';
import { createGathered } from './gathered.ts';
import { givenRows, inOrder, quote } from './given-rows.ts';
import { queryPrepared } from './pool.ts';

const given = givenRows<SpooledTokens>('given', [
  ['id', 'uuid', ({ base }) => base.id],
  ['version', 'integer', ({ base }) => base.version],
  ['owner', 'text', ({ owner }) => owner],
  ['sealed', 'text', ({ tokens }) => Buffer.from(tokens.sealed).toString('base64')],
  ['expires_at', 'timestamptz', ({ tokens }) => instant(tokens.facts.expiresAt)],
  ['refresh_expires_at', 'timestamptz', ({ tokens }) => instant(tokens.facts.refreshExpiresAt)],
  ['obtained_at', 'timestamptz', ({ tokens }) => instant(tokens.facts.obtainedAt)],
  ['lifetime_seconds', 'float8', ({ tokens }) => tokens.facts.lifetimeSeconds],
  ['refreshable', 'boolean', ({ tokens }) => tokens.facts.refreshable],
  ['scopes', 'text', ({ tokens }) => arrayLiteral(tokens.facts.scopes)],
  ['keep_alive_at', 'timestamptz', ({ tokens }) => instant(tokens.facts.keepAliveAt)],
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
 * Writes token sets where the row still has the version they build on, and a line of audit for each that was written.
 * Not by lease: a process that was paused with the rotated token in hand must still be able to save it. Whatever was
 * wrong before is over with it. refresh_rolls: whether this refresh moved the refresh token's death on, by more than the
 * wavering of a date that is told as seconds left; null where the dates do not tell.
 */
const saveText = (lock: string) => `
  with given as (
    select * from ${given.text}
  ), unmoved as (
    select given.* from given join grants using (id, version)
    for update of grants ${lock}
  ), saved as (
    update grants
    set sealed_tokens = decode(unmoved.sealed, 'base64'),
      expires_at = unmoved.expires_at,
      refresh_expires_at = unmoved.refresh_expires_at,
      obtained_at = unmoved.obtained_at,
      lifetime_seconds = unmoved.lifetime_seconds,
      refreshable = unmoved.refreshable,
      scopes = unmoved.scopes::text[],
      keep_alive_at = unmoved.keep_alive_at,
      refresh_rolls = unmoved.refresh_expires_at - grants.refresh_expires_at
        > (unmoved.obtained_at - grants.obtained_at) / 2,
      status = 'completed',
      status_reason = null,
      status_message = null,
      consecutive_failures = 0,
      failing_since = null,
      retry_at = null,
      refresh_started_at = null,
      lease_owner = case when lease_owner = unmoved.owner then null else lease_owner end,
      lease_until = case when lease_owner = unmoved.owner then null else lease_until end,
      version = unmoved.version + 1,
      last_refresh_at = unmoved.time,
      updated_at = unmoved.time
    from unmoved where grants.id = unmoved.id
    returning n, time, actor, action, connection_name, outcome, details, request_id, address,
      grants.id as grant_id, connection_id, organization_id, subject
  ), recorded as (
    insert into audit_events (
      time, actor, action, organization_id, connection_id, connection_name, grant_id, outcome, details, request_id, address
    )
    select
      time, actor, action, organization_id, connection_id, connection_name, grant_id, outcome, details, request_id, address
    from saved
  )
  select n::integer, grant_id, connection_id, organization_id, subject from saved`;

const waiting = { name: 'saves_waiting', text: saveText('') };
const skipping = { name: 'saves_skipping', text: saveText('skip locked') };

/**
 * Undefined where the row moved or is gone; nothing is written then. Never rests for others to come: what is not yet
 * stored is lost with the process.
 */
export type SaveRefreshed = (entry: SpooledTokens) => Promise<GrantChanged | undefined>;

export function createSaveRefreshed({ pool }: { pool: pg.Pool }): SaveRefreshed {
  return createGathered<SpooledTokens, GrantChanged>(async (entries, waits) => {
    const rows = await queryPrepared<GrantChanged & { n: number }>(pool, {
      ...(waits ? waiting : skipping),
      values: given.values(entries),
    });
    return inOrder(rows, entries.length).map((row) => row && changedOf(row));
  });
}

/** Bare, as it is announced. */
function changedOf({ grant_id, connection_id, organization_id, subject }: GrantChanged): GrantChanged {
  return { grant_id, connection_id, organization_id, subject };
}

function instant(at: Date | null | undefined): string | null {
  return at?.toISOString() ?? null;
}

/** An array as an element of another, whose rows may differ in length. */
function arrayLiteral(texts: readonly string[]): string {
  return `{${texts.map(quote)}}`;
}
