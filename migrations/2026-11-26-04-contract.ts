import { type Kysely, sql } from 'kysely';

/** Adds what callers send with an authorization and learn from its outcome, and further fields of a connection. */
export async function up(db: Kysely<any>): Promise<void> {
  // The outcome is kept on the row: the same callback again shows it, and callers poll it.
  await sql`
    alter table authorizations
      add column client_state text,
      add column callback_hash text,
      add column error text,
      add column error_description text,
      add column connected_account_name text`.execute(db);

  await sql`
    alter table connections
      add column allow_import boolean not null default false,
      add column pkce boolean,
      add column terminal_errors text[] not null default '{}',
      add column error_path text`.execute(db);

  // Finds the keys that a key made: revoking with cascade follows the chain.
  await sql`create index api_keys_created_by on api_keys (created_by)`.execute(db);
}
