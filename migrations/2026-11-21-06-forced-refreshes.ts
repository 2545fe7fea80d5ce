import { type Kysely, sql } from 'kysely';

/**
 * Adds the times of a grant's latest refreshes on demand, newest last, no more than the limit counts. Every process
 * reads them from the row, so the limit holds for the cluster. No index: they are only read with their row.
 */
export async function up(db: Kysely<any>): Promise<void> {
  await sql`alter table grants add column forced_refreshes_at timestamptz[] not null default '{}'`.execute(db);
}
