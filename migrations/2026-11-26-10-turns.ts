import { type Kysely, sql } from 'kysely';

/** Adds the list of a sweep: the grants it found, to be dealt out in turns by organisation and connection. */
export async function up(db: Kysely<any>): Promise<void> {
  // A list of its own keeps the grants free of further indexes, which every refresh would have to write.
  // No foreign keys: a grant may be deleted while it is listed, and the sweep deletes its list itself.
  await sql`
    create table sweep_grants (
      sweep_id uuid not null,
      urgent boolean not null,
      connection_id uuid not null,
      organization_id text,
      position bigint generated always as identity,
      grant_id uuid not null
    )`.execute(db);

  // Serves the lanes of a sweep, and one lane in the order of its grants.
  await sql`
    create index sweep_grants_lane on sweep_grants (sweep_id, urgent, connection_id, organization_id, position)`.execute(
    db,
  );
}
