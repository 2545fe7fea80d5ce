import { type Kysely, sql } from 'kysely';

// Instants that the service computes have millisecond precision, so a stored value reads back equal to the written one.

export async function up(db: Kysely<any>): Promise<void> {
  await createConnections(db);
  await createGrants(db);
  await createAuthorizations(db);
}

async function createConnections(db: Kysely<any>): Promise<void> {
  // Names sort by code point: the order of a cursor must not depend on the operating system's collation tables.
  await sql`
    create table connections (
      id uuid primary key,
      organization_id text collate "C" check (organization_id <> ''),
      name text collate "C" not null check (name <> ''),
      provider text not null,
      flow text not null check (flow in ('authorization_code', 'client_credentials', 'refresh_token')),
      client_id text not null,
      sealed_client_secrets bytea,
      authorization_url text,
      token_url text,
      revocation_url text,
      test_url text,
      token_auth_method text check (
        token_auth_method in ('client_secret_basic', 'client_secret_basic_raw', 'client_secret_post', 'none')
      ),
      variables jsonb not null check (jsonb_typeof(variables) = 'object'),
      scopes text[] not null,
      authorize_params jsonb not null check (jsonb_typeof(authorize_params) = 'object'),
      token_params jsonb not null check (jsonb_typeof(token_params) = 'object'),
      multi_account boolean not null,
      share_with_organizations boolean not null,
      description text,
      config_version integer not null check (config_version >= 1),
      revision integer not null check (revision >= 1),
      created_by text not null,
      created_at timestamptz(3) not null,
      updated_at timestamptz(3) not null,
      -- Serves the lookup by organisation and name, and the list in order of name. Global names are unique, too.
      constraint connections_name unique nulls not distinct (organization_id, name)
    )`.execute(db);
}

async function createGrants(db: Kysely<any>): Promise<void> {
  // Leaves free space on each page: a lease touches no index, so its update can stay on the page (heap-only tuple).
  await sql`
    create table grants (
      id uuid primary key,
      connection_id uuid not null references connections (id) on delete cascade,
      organization_id text collate "C" check (organization_id <> ''),
      subject text collate "C" check (subject <> ''),
      account_id text collate "C" check (account_id <> ''),
      account_name text,
      slot_account_id text collate "C",
      status text not null check (status in ('not_connected', 'completed', 'failed')),
      status_reason text check (
        status_reason in (
          'user_denied', 'exchange_failed', 'test_failed', 'reauthorization_required', 'client_rejected',
          'configuration_rejected', 'provider_rejected', 'configuration_changed', 'revoked', 'account_mismatch',
          'authorization_expired', 'authorization_cancelled', 'rotation_interrupted', 'token_expired'
        )
      ),
      status_message text,
      sealed_tokens bytea,
      expires_at timestamptz(3),
      refresh_expires_at timestamptz(3),
      obtained_at timestamptz(3),
      lifetime_seconds double precision,
      refreshable boolean not null default false,
      scopes text[] not null default '{}',
      requested_scopes text[] not null default '{}',
      version integer not null default 1 check (version >= 1),
      lease_owner text,
      lease_until timestamptz,
      refresh_started_at timestamptz(3),
      consecutive_failures integer not null default 0 check (consecutive_failures >= 0),
      failing_since timestamptz(3),
      retry_at timestamptz(3),
      last_refresh_at timestamptz(3),
      last_test_at timestamptz(3),
      health text check (health in ('healthy', 'unhealthy')),
      health_error text,
      revoked_at timestamptz(3),
      revoked_by text,
      revoked_reason text,
      created_at timestamptz(3) not null,
      updated_at timestamptz(3) not null,
      -- One row for each slot. Also the index of the foreign key and of every credential lookup.
      constraint grants_slot unique nulls not distinct (connection_id, organization_id, subject, slot_account_id),
      constraint grants_slot_account check (slot_account_id is null or slot_account_id = account_id),
      constraint grants_tokens_with_facts check (
        sealed_tokens is not null or (expires_at is null and obtained_at is null and not refreshable)
      ),
      constraint grants_completed_has_tokens check (status <> 'completed' or sealed_tokens is not null),
      constraint grants_lease check ((lease_owner is null) = (lease_until is null))
    ) with (fillfactor = 80)`.execute(db);

  // Serves the sweep: its cost grows with the number of due grants, not of stored grants.
  await sql`
    create index grants_expiring on grants (expires_at, id)
    where status = 'completed' and refreshable and expires_at is not null`.execute(db);

  // Serves the part of the sweep that retries failed grants.
  await sql`create index grants_retrying on grants (retry_at, id) where status = 'failed' and retry_at is not null`.execute(
    db,
  );
}

async function createAuthorizations(db: Kysely<any>): Promise<void> {
  await sql`
    create table authorizations (
      state_hash text collate "C" primary key,
      connection_id uuid not null references connections (id) on delete cascade,
      config_version integer not null,
      organization_id text collate "C" check (organization_id <> ''),
      subject text collate "C" check (subject <> ''),
      account_id text,
      allow_account_change boolean not null,
      scopes text[] not null,
      login_hint text,
      prompt text,
      return_url text,
      redirect_uri text not null,
      sealed_verifier bytea,
      browser_hash text,
      status text not null check (status in ('pending', 'testing', 'completed', 'failed', 'cancelled')),
      status_reason text,
      status_message text,
      connected_account_id text,
      created_by text not null,
      created_at timestamptz(3) not null,
      expires_at timestamptz(3) not null
    )`.execute(db);

  // Finds the latest authorization of a connection, organisation and subject, which decides the status if there is no
  // grant. Also the index of the foreign key.
  await sql`
    create index authorizations_latest
    on authorizations (connection_id, organization_id, subject, created_at desc, state_hash)`.execute(db);

  // Serves the purge: authorizations are kept for a day after they expire.
  await sql`create index authorizations_expired on authorizations (expires_at)`.execute(db);
}
