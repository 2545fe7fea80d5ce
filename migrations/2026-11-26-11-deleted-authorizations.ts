import { type Kysely, sql } from 'kysely';

/** Keeps where to send the browser of an open authorization if its connection is deleted. */
export async function up(db: Kysely<any>): Promise<void> {
  // Deleting a connection deletes its authorizations. These rows have no foreign key, so that they outlive it.
  await sql`
    create table deleted_authorizations (
      state_hash text collate "C" primary key,
      connection_name text not null,
      connection_owner text collate "C" check (connection_owner <> ''),
      browser_hash text not null,
      return_url text,
      client_state text,
      expires_at timestamptz(3) not null
    )`.execute(db);

  // Serves the purge, a day after the link has expired.
  await sql`create index deleted_authorizations_expired on deleted_authorizations (expires_at)`.execute(db);
}
