import { type Kysely, sql } from 'kysely';

/** Adds the details of an authorization's outcome, so that a reload of the outcome page shows the same page. */
export async function up(db: Kysely<any>): Promise<void> {
  await sql`
    alter table authorizations
      add column outcome_details jsonb
        constraint authorizations_outcome_details check (jsonb_typeof(outcome_details) = 'object')`.execute(db);
}
