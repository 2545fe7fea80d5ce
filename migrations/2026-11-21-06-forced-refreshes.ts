import { type Kysely, sql } from 'kysely';

/**
 * When callers last had a grant refreshed on demand, newest last, no more of them than the limit counts: the limit holds
 * for the cluster because the row is where every process looks. No index: only ever read with the row.
 */
export async function up(db: Kysely<any>): Promise<void> {
  await sql`alter table grants add column forced_refreshes_at timestamptz[] not null default '{}'`.execute(db);
}
