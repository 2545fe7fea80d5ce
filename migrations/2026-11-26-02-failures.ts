import { type Kysely, sql } from 'kysely';

/**
 * Keeps the last failed refresh with its grant, and counts how often a connection's client was refused. The count has a
 * table of its own: it changes with refreshes, which must change no connection.
 */
export async function up(db: Kysely<any>): Promise<void> {
  // Read only together with its grant, so it needs no index.
  await sql`
    alter table grants
      add column last_error jsonb check (jsonb_typeof(last_error) = 'object')`.execute(db);

  // The primary key is the index of the foreign key and of every query.
  await sql`
    create table client_refusals (
      connection_id uuid primary key references connections (id) on delete cascade,
      refusals integer not null check (refusals >= 1),
      grant_ids uuid[] not null,
      pauses integer not null default 0 check (pauses >= 0),
      paused_until timestamptz,
      probe_until timestamptz
    )`.execute(db);
}
