import { type Kysely, sql } from 'kysely';

/** Lets connections be kept in a file: the file that owns them, drift, and fingerprints of their client secrets. */
export async function up(db: Kysely<any>): Promise<void> {
  await sql`
    alter table connections
      add column managed_by text check (managed_by <> ''),
      -- Revision that the last application of the file wrote. A later revision is an edit by other means.
      add column applied_revision integer check (applied_revision <= revision),
      -- HMAC-SHA256 of the newest client secret, under a key derived from the encryption keys. Null for rows of before.
      add column client_secret_fingerprint bytea check (octet_length(client_secret_fingerprint) = 32)`.execute(db);
}
