import { type Kysely, sql } from 'kysely';

/** Bounds the requests that a process accepts with an API key in a minute. */
export async function up(db: Kysely<any>): Promise<void> {
  // Null means no limit. Zero would be a key that works nowhere, which is a revoked key.
  await sql`
    alter table api_keys add column rate_limit_per_minute integer check (rate_limit_per_minute > 0)`.execute(db);
}
