import { type Kysely, sql } from 'kysely';

/** Adds whether the provider named the account of a grant, and whether it refuses the newest client secret. */
export async function up(db: Kysely<any>): Promise<void> {
  // The source of an account stored earlier is unknown, so it counts as unverified.
  await sql`alter table grants add column account_verified boolean not null default false`.execute(db);

  // Set while the provider accepts the older of two client secrets only. An edit of the secret clears it.
  await sql`alter table connections add column client_secret_refused_at timestamptz`.execute(db);
}
