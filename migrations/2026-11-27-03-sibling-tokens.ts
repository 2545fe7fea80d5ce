import { type Kysely, sql } from 'kysely';

/** Adds second token sets to grants: their state, and the dates by which the sweep selects a grant for them. */
export async function up(db: Kysely<any>): Promise<void> {
  // The state by name, without secrets: those are in sealed_tokens. Each has failures and retries of its own. The dates
  // repeat the earliest expiry and retry of the state, because an index cannot read them from it.
  await sql`
    alter table grants
      add column siblings jsonb,
      add column sibling_expires_at timestamptz,
      add column sibling_retry_at timestamptz,
      add constraint grants_siblings check (
        siblings is null or (jsonb_typeof(siblings) = 'object' and sealed_tokens is not null)
      ),
      add constraint grants_sibling_dates check (
        siblings is not null or (sibling_expires_at is null and sibling_retry_at is null)
      )`.execute(db);

  // Serves the part of the sweep that refreshes second token sets. Independent of the status of the grant, which is
  // that of its main token.
  await sql`
    create index grants_siblings_due on grants (sibling_expires_at, id) where sibling_expires_at is not null`.execute(
    db,
  );
}
