import { type Kysely, sql } from 'kysely';

/** Adds the heartbeats of workers, from which every process knows how many are alive. */
export async function up(db: Kysely<any>): Promise<void> {
  // Holds a few rows, so it needs no index beside the key. An index on seen_at would make every heartbeat write to it.
  await sql`
    create table workers (
      id text primary key check (length(id) between 1 and 200),
      started_at timestamptz(3) not null default clock_timestamp(),
      seen_at timestamptz(3) not null default clock_timestamp()
    )`.execute(db);
}
