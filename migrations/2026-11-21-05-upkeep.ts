import { type Kysely, sql } from 'kysely';

/** Adds the data of the sweep, the health checks and the expiry warnings. */
export async function up(db: Kysely<any>): Promise<void> {
  await sql`
    alter table grants
      add column keep_alive_at timestamptz(3),
      add column refresh_rolls boolean,
      add column warned_refresh_expires_at timestamptz(3),
      add column last_health_check_at timestamptz(3)`.execute(db);

  // Serves the part of the sweep that uses refresh tokens before they expire from disuse.
  await sql`
    create index grants_idle on grants (keep_alive_at, id)
    where status = 'completed' and refreshable and keep_alive_at is not null`.execute(db);

  // Serves the expiry warnings: refresh tokens that expire and were not yet warned of. Leaves out tokens that each
  // refresh extends while refreshes succeed in time. Expiries that differ by less than a day belong to the same token.
  await sql`
    create index grants_dying on grants (refresh_expires_at, id)
    where status = 'completed' and refresh_expires_at is not null
      and (warned_refresh_expires_at is null or refresh_expires_at - warned_refresh_expires_at > interval '1 day')
      and (refresh_rolls is not true or consecutive_failures > 0 or expires_at is null or expires_at > refresh_expires_at)`.execute(
    db,
  );

  await sql`
    create table sweeps (
      id uuid primary key,
      started_at timestamptz(3) not null default clock_timestamp(),
      seen_at timestamptz(3) default clock_timestamp(),
      finished_at timestamptz(3),
      found integer not null default 0,
      enqueued integer not null default 0,
      refreshed integer not null default 0,
      failed integer not null default 0,
      skipped integer not null default 0
    )`.execute(db);

  // Finds the latest sweep, which decides whether another is due.
  await sql`create index sweeps_started on sweeps (started_at)`.execute(db);

  // The table sweeps replaces this setting.
  await sql`delete from settings where name = 'last_sweep_started_at'`.execute(db);
}
