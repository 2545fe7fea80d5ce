import type pg from 'pg';
import type { SpooledTokens } from '../domain/ports/spool.ts';
import type { GrantChanged } from './channels.ts';
import { createGathered } from './gathered.ts';
import { queryPrepared } from './pool.ts';

/**
 * Writes token sets where the row still has the version they build on, and a line of audit for each that was written.
 * Not by lease: a process that was paused with the rotated token in hand must still be able to save it. Whatever was
 * wrong before is over with it. refresh_rolls: whether this refresh moved the refresh token's death on, by more than the
 * wavering of a date that is told as seconds left; null where the dates do not tell.
 */
const saveText = (lock: string) => `
  with given as (
    select * from rows from (
      json_to_recordset($1) as (
        id uuid, version integer, owner text, sealed text, expires_at timestamptz, refresh_expires_at timestamptz,
        obtained_at timestamptz, lifetime_seconds float8, refreshable boolean, scopes text[], keep_alive_at timestamptz,
        event json
      )
    ) with ordinality as given (
      id, version, owner, sealed, expires_at, refresh_expires_at, obtained_at, lifetime_seconds, refreshable, scopes,
      keep_alive_at, event, n
    )
  ), unmoved as (
    select given.*, (event ->> 'time')::timestamptz as time
    from given join grants using (id, version)
    for update of grants ${lock}
  ), saved as (
    update grants
    set sealed_tokens = decode(unmoved.sealed, 'base64'),
      expires_at = unmoved.expires_at,
      refresh_expires_at = unmoved.refresh_expires_at,
      obtained_at = unmoved.obtained_at,
      lifetime_seconds = unmoved.lifetime_seconds,
      refreshable = unmoved.refreshable,
      scopes = unmoved.scopes,
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
    returning unmoved.n, unmoved.event, grants.id, connection_id, organization_id, subject
  ), recorded as (
    insert into audit_events (
      time, actor, action, organization_id, connection_id, connection_name, grant_id, outcome, details, request_id, address
    )
    select event.* from saved, json_to_record(saved.event) as event (
      time timestamptz, actor text, action text, "organizationId" text, "connectionId" uuid, "connectionName" text,
      "grantId" uuid, outcome text, details jsonb, "requestId" text, address text
    )
  )
  select n::integer, id as grant_id, connection_id, organization_id, subject from saved`;

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
      values: [JSON.stringify(entries.map(toGiven))],
    });
    const saved: (GrantChanged | undefined)[] = new Array(entries.length);
    for (const { n, ...row } of rows) saved[n - 1] = row;
    return saved;
  });
}

function toGiven({ base, owner, tokens: { sealed, facts }, event }: SpooledTokens): object {
  return {
    id: base.id,
    version: base.version,
    owner,
    sealed: Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).toString('base64'),
    expires_at: facts.expiresAt,
    refresh_expires_at: facts.refreshExpiresAt,
    obtained_at: facts.obtainedAt,
    lifetime_seconds: facts.lifetimeSeconds,
    refreshable: facts.refreshable,
    scopes: facts.scopes,
    keep_alive_at: facts.keepAliveAt,
    event,
  };
}
