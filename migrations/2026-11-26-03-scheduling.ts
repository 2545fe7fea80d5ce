import { type Kysely, sql } from 'kysely';

/**
 * Adds what the schedule of refreshes reads: the longest lifetime of a grant's tokens, and indexes for the sweep.
 */
export async function up(db: Kysely<any>): Promise<void> {
  // Decides whether a min_ttl can be met: the last lifetime may be shorter than the next one.
  await sql`alter table grants add column longest_lifetime_seconds double precision`.execute(db);
  await sql`update grants set longest_lifetime_seconds = lifetime_seconds where lifetime_seconds is not null`.execute(
    db,
  );

  // Serves the part of the sweep that refreshes before the refresh token expires.
  await sql`
    create index grants_ending on grants (refresh_expires_at, id)
    where status = 'completed' and refreshable and refresh_expires_at is not null`.execute(db);

  // Serves the part of the sweep that refreshes a token without expiry once, to learn its lifetime.
  await sql`
    create index grants_untried on grants (created_at, id)
    where status = 'completed' and refreshable and expires_at is null
      and (obtained_at is null or last_refresh_at is null or last_refresh_at < obtained_at)`.execute(db);

  // Serves the list of a connection's grants, page by page. The expression keeps the planner from using it for a fetch,
  // which grants_slot serves. No organisation has an empty id.
  await sql`
    create index grants_listed on grants (connection_id, (coalesce(organization_id, '')), created_at, id)`.execute(db);
}
