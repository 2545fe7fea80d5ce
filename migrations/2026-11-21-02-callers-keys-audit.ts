import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<any>): Promise<void> {
  await createApiKeys(db);
  await createDataKeys(db);
  await createAuditEvents(db);
  await createSettings(db);
}

async function createApiKeys(db: Kysely<any>): Promise<void> {
  // A null in organizations means every organisation; a null in connections means every name. The global scope is a
  // separate right.
  await sql`
    create table api_keys (
      id text collate "C" primary key,
      name text not null,
      secret_hash bytea not null,
      permissions text[] not null,
      organizations text[],
      global boolean not null,
      connections text[],
      created_by text not null,
      created_at timestamptz(3) not null,
      expires_at timestamptz(3),
      last_used_at timestamptz(3),
      revoked_at timestamptz(3)
    )`.execute(db);
}

async function createDataKeys(db: Kysely<any>): Promise<void> {
  await sql`
    create table data_keys (
      id uuid primary key,
      key_encryption_key_id text not null,
      wrapped bytea not null,
      state text not null check (state in ('sealing', 'opening')),
      canary bytea not null,
      created_at timestamptz(3) not null
    )`.execute(db);

  // Only one key seals new values. Also lets only one of several concurrent first starts insert the first key.
  await sql`create unique index data_keys_sealing on data_keys (state) where state = 'sealing'`.execute(db);
}

async function createAuditEvents(db: Kysely<any>): Promise<void> {
  // No foreign keys: an audit event outlives the rows it names.
  await sql`
    create table audit_events (
      id bigint generated always as identity primary key,
      time timestamptz(3) not null,
      actor text not null,
      action text not null,
      organization_id text collate "C",
      connection_id uuid,
      connection_name text,
      grant_id uuid,
      outcome text not null check (outcome in ('success', 'failure')),
      details jsonb not null check (jsonb_typeof(details) = 'object'),
      request_id text,
      address text
    )`.execute(db);

  // Serves retention and reads across organisations.
  await sql`create index audit_events_time on audit_events (time, id)`.execute(db);

  // Serves reads within one organisation.
  await sql`create index audit_events_organization on audit_events (organization_id, time, id)`.execute(db);

  await sql`
    create function refuse_change_of_audit_events() returns trigger language plpgsql as $$
    begin
      raise exception 'audit_events is append only' using errcode = 'restrict_violation';
    end $$`.execute(db);
  // Only updates are refused: retention deletes rows.
  await sql`
    create trigger audit_events_append_only before update on audit_events
    for each statement execute function refuse_change_of_audit_events()`.execute(db);
}

async function createSettings(db: Kysely<any>): Promise<void> {
  await sql`
    create table settings (
      name text primary key,
      value jsonb not null,
      updated_at timestamptz(3) not null
    )`.execute(db);
}
