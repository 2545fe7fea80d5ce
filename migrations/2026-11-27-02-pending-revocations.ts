import { type Kysely, sql } from 'kysely';

/**
 * Adds the outbox of revocations: token sets that the broker holds no more and the provider may still accept. A row is
 * written in the transaction that revokes a grant or deletes its connection, and deleted when the provider confirms.
 */
export async function up(db: Kysely<any>): Promise<void> {
  // No foreign keys: a row outlives its grant and its connection, and so carries what a revocation needs of both.
  // Secrets stay sealed for the rows that they come from, so they open for these ids and organisations only.
  await sql`
    create table pending_revocations (
      id bigint generated always as identity primary key,
      grant_id uuid not null,
      organization_id text collate "C" check (organization_id <> ''),
      subject text,
      sealed_tokens bytea not null,
      test_origin text,
      revocation_origin text,
      connection_id uuid not null,
      connection_owner text collate "C" check (connection_owner <> ''),
      connection_name text not null,
      settings jsonb not null,
      config_version integer not null,
      sealed_client_secrets bytea,
      client_secret_refused_at timestamptz(3),
      secret_test_origin text,
      secret_revocation_origin text,
      attempts integer not null default 0 check (attempts >= 0),
      -- Also the claim: a process that sends moves it ahead, so no other process takes the row meanwhile.
      next_try_at timestamptz(3) not null,
      last_error text,
      created_at timestamptz(3) not null
    )`.execute(db);

  // Serves the search for due rows, from the index alone.
  await sql`
    create index pending_revocations_due on pending_revocations (next_try_at, connection_id, organization_id)`.execute(
    db,
  );
  // Serves one lane: the due rows of one organisation and connection, oldest first.
  await sql`
    create index pending_revocations_lane on pending_revocations (connection_id, organization_id, next_try_at)`.execute(
    db,
  );
}
