import { type Kysely, sql } from 'kysely';

/** Adds what protects against forwarded links: the page before the provider, the confirmation and the expected account. */
export async function up(db: Kysely<any>): Promise<void> {
  await sql`
    alter table authorizations
      add column subject_label text,
      add column expected_account jsonb
        constraint authorizations_expected_account check (jsonb_typeof(expected_account) = 'object'),
      -- Public: return_url carries it. The state, which is secret, stays the key.
      add column authorization_id uuid,
      add column binding_challenge text,
      add column sealed_waiting bytea,
      add column confirmation_code_hash text,
      add column confirm_until timestamptz(3),
      add constraint authorizations_binding
        check ((authorization_id is null) = (binding_challenge is null)),
      -- The session can confirm only what it started, so nothing waits without a binding.
      add constraint authorizations_waiting
        check ((confirmation_code_hash is null) = (confirm_until is null)
          and (confirmation_code_hash is null or binding_challenge is not null)),
      -- Tokens are held while they wait, and no longer.
      add constraint authorizations_sealed_waiting
        check (sealed_waiting is null or status = 'awaiting_confirmation')`.execute(db);

  await sql`
    alter table authorizations
      drop constraint authorizations_status_check,
      add constraint authorizations_status_check
        check (status in ('pending', 'testing', 'awaiting_confirmation', 'completed', 'failed', 'cancelled'))`.execute(
    db,
  );

  // Serves the confirmation: one row by its public id.
  await sql`
    create unique index authorizations_by_public_id on authorizations (authorization_id)
      where authorization_id is not null`.execute(db);
  // Serves the search for waits that have ended.
  await sql`
    create index authorizations_overdue on authorizations (confirm_until) where sealed_waiting is not null`.execute(db);
  // Serves the end of all waits below a connection, when it is edited or deleted.
  await sql`
    create index authorizations_waiting_of on authorizations (connection_id)
      where status = 'awaiting_confirmation'`.execute(db);
}
