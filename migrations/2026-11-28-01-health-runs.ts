import { type Kysely, sql } from 'kysely';

// With ten million grants this takes some seconds, in which refreshes cannot be saved. Fetches of valid tokens go on, and
// tokens that arrive meanwhile are kept in the spool.

/** Adds health checks of all grants on demand, with their progress, and the counts of grants by health. */
export async function up(db: Kysely<any>): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select current_schema()::text as schema`.execute(db);
  const [found] = rows;
  if (found === undefined) throw new Error('the schema cannot be read');
  // Writers wait from here on: a grant that is written between the count and the triggers would never be counted.
  await sql`lock table grants in share row exclusive mode`.execute(db);
  await createRuns(db);
  await createCounts(db);
  await createTriggers(db, found.schema);
}

async function createRuns(db: Kysely<any>): Promise<void> {
  await sql`
    create table health_runs (
      id uuid primary key,
      requested_at timestamptz(3) not null default clock_timestamp(),
      started_at timestamptz(3),
      -- Time of the latest sign of progress. Null while no process has claimed the run.
      seen_at timestamptz(3),
      finished_at timestamptz(3) check (started_at is not null or finished_at is null),
      -- Claim of the process that checks. A process that lost it cannot record anything.
      claimed_by uuid,
      lanes_listed boolean not null default false,
      total integer check (total >= 0),
      healthy integer not null default 0 check (healthy >= 0),
      unhealthy integer not null default 0 check (unhealthy >= 0),
      skipped integer not null default 0 check (skipped >= 0),
      constraint health_runs_claim check ((claimed_by is null) = (seen_at is null))
    )`.execute(db);
  // Allows one unfinished run, whatever the processes do.
  await sql`create unique index health_runs_unfinished on health_runs ((true)) where finished_at is null`.execute(db);
  // Finds the latest run.
  await sql`create index health_runs_requested on health_runs (requested_at)`.execute(db);

  // Grants of one owner and connection that a run has not checked yet, with the place where the next turn continues.
  // The empty owner stands for shared grants. No foreign keys: a connection may be deleted while it is listed.
  await sql`
    create table health_run_lanes (
      run_id uuid not null,
      connection_id uuid not null,
      owner text collate "C" not null,
      turn integer not null default 0,
      after_at timestamptz(3),
      after_id uuid,
      primary key (run_id, connection_id, owner),
      constraint health_run_lanes_place check ((after_at is null) = (after_id is null))
    )`.execute(db);
  // Serves the turns: the owners in order, and of each the lane that has had the fewest turns.
  await sql`create index health_run_lanes_turn on health_run_lanes (run_id, owner, turn, connection_id)`.execute(db);
}

async function createCounts(db: Kysely<any>): Promise<void> {
  // Counts of grants by owner and health; the empty health stands for unchecked. The owner '*' stands for all
  // organisations together; no organisation has this id.
  await sql`
    create table health_counts (
      owner text collate "C" not null,
      health text collate "C" not null,
      grants bigint not null,
      primary key (owner, health)
    )`.execute(db);
  // Changes that are not yet added to the counts. Transactions only insert here: updates of one row for each count would
  // make all processes wait for each other.
  await sql`
    create table health_count_changes (
      id bigint generated always as identity primary key,
      owner text collate "C" not null,
      health text collate "C" not null,
      grants bigint not null
    )`.execute(db);
  // Serves the statistics of one organisation.
  await sql`create index health_count_changes_owner on health_count_changes (owner)`.execute(db);
  await sql`
    insert into health_counts (owner, health, grants)
    with counted as (
      select coalesce(organization_id, '') as owner, coalesce(health, '') as health, count(*) as grants
      from grants group by 1, 2
    )
    select owner, health, grants from counted
    union all
    select '*', health, sum(grants) from counted where owner <> '' group by health`.execute(db);
}

async function createTriggers(db: Kysely<any>, schema: string): Promise<void> {
  const sums = (rows: string, sign: '' | '-') => `
    insert into health_count_changes (owner, health, grants)
    select coalesce(organization_id, ''), coalesce(health, ''), ${sign}count(*) from ${rows} group by 1, 2`;
  await createTriggerFunction(db, schema, 'add_health_counts', sums('new_rows', ''));
  await sql`
    create trigger grants_health_insert after insert on grants
    referencing new table as new_rows for each statement execute function add_health_counts()`.execute(db);

  await createTriggerFunction(db, schema, 'remove_health_counts', sums('old_rows', '-'));
  await sql`
    create trigger grants_health_delete after delete on grants
    referencing old table as old_rows for each statement execute function remove_health_counts()`.execute(db);

  // For each row, with a condition: most refreshes and most checks change no health and call no function.
  await createTriggerFunction(
    db,
    schema,
    'change_health_counts',
    `insert into health_count_changes (owner, health, grants) values
       (coalesce(old.organization_id, ''), coalesce(old.health, ''), -1),
       (coalesce(new.organization_id, ''), coalesce(new.health, ''), 1)`,
  );
  await sql`
    create trigger grants_health_update after update on grants for each row
    when (old.health is distinct from new.health or old.organization_id is distinct from new.organization_id)
    execute function change_health_counts()`.execute(db);

  // Deletes, because a statement that truncates all tables allows no second truncation.
  await createTriggerFunction(
    db,
    schema,
    'empty_health_counts',
    'delete from health_counts; delete from health_count_changes',
  );
  await sql`
    create trigger grants_health_truncate after truncate on grants
    for each statement execute function empty_health_counts()`.execute(db);
}

/** Runs with the rights of the owner: a role that may write grants needs no rights to these tables. */
async function createTriggerFunction(db: Kysely<any>, schema: string, name: string, body: string): Promise<void> {
  await sql`
    create function ${sql.id(name)}() returns trigger language plpgsql security definer
    set search_path = ${sql.id(schema)}, pg_temp as $$
    begin
      ${sql.raw(body)};
      return null;
    end $$`.execute(db);
}
