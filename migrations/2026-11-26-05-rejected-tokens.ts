import { type Kysely, sql } from 'kysely';

/** Remembers which token set of a grant a caller reported as rejected by the provider's API. */
export async function up(db: Kysely<any>): Promise<void> {
  // The report names a version: every new token set has another one, which ends the report without a further write.
  await sql`alter table grants add column reported_version integer`.execute(db);
}
