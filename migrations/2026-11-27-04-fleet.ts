import { type Kysely, sql } from 'kysely';

// With ten million grants this takes some minutes, in which refreshes cannot be saved. Fetches of valid tokens go on, and
// tokens that arrive meanwhile are kept in the spool. To shorten it, build the three indexes of `grants` before, one by one,
// with `create index concurrently` under the same names; they are then kept. Stop the workers while the migration runs.

/**
 * Adds what administrators read across organisations. fleet_grants has one row for each grant, with the columns that lists
 * filter by. A refresh that succeeds changes none of them, so it does not write the many indexes of this table.
 */
export async function up(db: Kysely<any>): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select current_schema()::text as schema`.execute(db);
  const [found] = rows;
  if (found === undefined) throw new Error('the schema cannot be read');
  // Writers wait from here on. A weaker lock could deadlock with them when the triggers are created.
  await sql`lock table connections, grants in share row exclusive mode`.execute(db);
  await createTables(db);
  await createCountTriggers(db, found.schema);
  await fillGrants(db);
  await createGrantTriggers(db, found.schema);
  await createFleetIndexes(db);
  await createGrantIndexes(db);
  await createConnectionIndexes(db);
}

async function createTables(db: Kysely<any>): Promise<void> {
  // The same rule as domain/next-action.ts, for an index. A test compares the two for every situation of a grant.
  await sql`
    create function fleet_next_action(status text, reason text, flow text, retried boolean) returns text
    language sql immutable parallel safe
    return case
      when status = 'completed' then 'none'
      when reason in ('client_rejected', 'configuration_rejected') then 'reconfigure'
      when flow <> 'authorization_code' then
        case when retried and reason not in ('reauthorization_required', 'rotation_interrupted') then 'wait'
          else 'reconfigure' end
      when retried and reason = 'provider_rejected' then 'wait'
      else 'authorize'
    end`.execute(db);

  // No foreign keys: triggers of grants write every row. The empty owner stands for a shared grant, the empty reason for
  // none, so that an index finds both by equality.
  await sql`
    create table fleet_grants (
      grant_id uuid primary key,
      owner text collate "C" not null,
      connection_name text collate "C" not null,
      provider text collate "C" not null,
      flow text not null,
      status text collate "C" not null,
      reason text collate "C" not null,
      retried boolean not null,
      next_action text collate "C" not null generated always as (fleet_next_action(status, reason, flow, retried)) stored
    )`.execute(db);

  // Counts of grants. The owner '*' stands for all organisations together; no organisation has this id.
  await sql`
    create table fleet_counts (
      owner text collate "C" not null,
      provider text collate "C" not null,
      status text collate "C" not null,
      next_action text collate "C" not null,
      reason text collate "C" not null,
      grants bigint not null,
      primary key (owner, provider, status, next_action, reason)
    )`.execute(db);

  // Changes of the counts that are not yet added to them. A transaction only inserts here: updates of one row for each
  // count would make the refreshes of all processes wait for each other, and could deadlock.
  await sql`
    create table fleet_count_changes (
      id bigint generated always as identity primary key,
      owner text collate "C" not null,
      provider text collate "C" not null,
      status text collate "C" not null,
      next_action text collate "C" not null,
      reason text collate "C" not null,
      grants bigint not null
    )`.execute(db);
  // Serves the statistics of one organisation.
  await sql`create index fleet_count_changes_owner on fleet_count_changes (owner)`.execute(db);
}

/** Every statement that changes fleet_grants writes its sums, so counts and lists cannot differ. */
async function createCountTriggers(db: Kysely<any>, schema: string): Promise<void> {
  const changes = (...parts: string[]) => `
    insert into fleet_count_changes (owner, provider, status, next_action, reason, grants)
    select owner, provider, status, next_action, reason, sum(one)
    from (${parts.join(' union all ')}) as changed
    group by owner, provider, status, next_action, reason having sum(one) <> 0`;
  const added = 'select *, 1 as one from new_rows';
  const removed = 'select *, -1 as one from old_rows';
  for (const [event, tables, statement] of [
    ['insert', 'new table as new_rows', changes(added)],
    ['delete', 'old table as old_rows', changes(removed)],
    ['update', 'old table as old_rows new table as new_rows', changes(added, removed)],
  ] as const) {
    await createTriggerFunction(db, schema, `count_fleet_${event}`, statement);
    await sql`
      create trigger fleet_grants_${sql.raw(event)} after ${sql.raw(event)} on fleet_grants
      referencing ${sql.raw(tables)} for each statement execute function ${sql.id(`count_fleet_${event}`)}()`.execute(
      db,
    );
  }
}

/**
 * Runs with the rights of the owner: a role that may write grants needs no rights to these tables. The fixed search path
 * keeps other schemas from taking the place of a table.
 */
async function createTriggerFunction(db: Kysely<any>, schema: string, name: string, body: string): Promise<void> {
  await sql`
    create function ${sql.id(name)}() returns trigger language plpgsql security definer
    set search_path = ${sql.id(schema)}, pg_temp as $$
    begin
      ${sql.raw(body)};
      return null;
    end $$`.execute(db);
}

/** Columns of a row of fleet_grants from a grant `g` and its connection `c`. */
const fleetColumns = 'grant_id, owner, connection_name, provider, flow, status, reason, retried';
const fleetValues = `g.id, coalesce(g.organization_id, ''), c.name, c.provider, c.flow, g.status,
  coalesce(g.status_reason, ''), g.status <> 'completed' and g.retry_at is not null`;

async function fillGrants(db: Kysely<any>): Promise<void> {
  await sql`
    insert into fleet_grants (${sql.raw(fleetColumns)})
    select ${sql.raw(fleetValues)} from grants g join connections c on c.id = g.connection_id`.execute(db);
}

async function createGrantTriggers(db: Kysely<any>, schema: string): Promise<void> {
  await createTriggerFunction(
    db,
    schema,
    'add_fleet_grants',
    `insert into fleet_grants (${fleetColumns})
     select ${fleetValues} from new_rows g join connections c on c.id = g.connection_id`,
  );
  await sql`
    create trigger grants_fleet_insert after insert on grants
    referencing new table as new_rows for each statement execute function add_fleet_grants()`.execute(db);

  await createTriggerFunction(
    db,
    schema,
    'remove_fleet_grants',
    'delete from fleet_grants f using old_rows o where f.grant_id = o.id',
  );
  await sql`
    create trigger grants_fleet_delete after delete on grants
    referencing old table as old_rows for each statement execute function remove_fleet_grants()`.execute(db);

  // For each row, with a condition: a refresh that succeeds changes no status and calls no function. A trigger for the
  // statement would keep both versions of every refreshed row until its end.
  await createTriggerFunction(
    db,
    schema,
    'change_fleet_grant',
    `update fleet_grants set status = new.status, reason = coalesce(new.status_reason, ''),
       retried = new.status <> 'completed' and new.retry_at is not null
     where grant_id = new.id`,
  );
  await sql`
    create trigger grants_fleet_update after update on grants for each row
    when (old.status is distinct from new.status or old.status_reason is distinct from new.status_reason
      or (new.status <> 'completed' and (old.retry_at is null) <> (new.retry_at is null)))
    execute function change_fleet_grant()`.execute(db);

  // Deletes, because a statement that truncates all tables allows no second truncation.
  await createTriggerFunction(
    db,
    schema,
    'empty_fleet_grants',
    'delete from fleet_grants; delete from fleet_counts; delete from fleet_count_changes',
  );
  await sql`
    create trigger grants_fleet_truncate after truncate on grants
    for each statement execute function empty_fleet_grants()`.execute(db);

  // grants_slot serves the connection. An edit of the provider drops the tokens of the same grants anyway.
  await createTriggerFunction(
    db,
    schema,
    'change_fleet_connection',
    `update fleet_grants set connection_name = new.name, provider = new.provider, flow = new.flow
     where grant_id in (select id from grants where connection_id = new.id)`,
  );
  await sql`
    create trigger connections_fleet_update after update on connections for each row
    when (old.name <> new.name or old.provider <> new.provider or old.flow <> new.flow)
    execute function change_fleet_connection()`.execute(db);
}

async function createFleetIndexes(db: Kysely<any>): Promise<void> {
  // Each serves a page of the lists whose filters are the first columns, in the order of the other columns.
  await sql`create index fleet_grants_owner on fleet_grants (owner, provider, connection_name, grant_id)`.execute(db);
  await sql`create index fleet_grants_name on fleet_grants (connection_name, owner, grant_id)`.execute(db);
  await sql`create index fleet_grants_provider on fleet_grants (provider, grant_id)`.execute(db);

  // The same for grants that do not work, which are few. Without these, a page of them would read those that work.
  for (const [suffix, first] of [
    ['', ''],
    ['_owner', 'owner, '],
    ['_name', 'connection_name, '],
    ['_provider', 'provider, '],
  ] as const) {
    await sql`
      create index ${sql.id(`fleet_broken${suffix}`)}
      on fleet_grants (${sql.raw(first)}status, next_action, reason, grant_id) where status <> 'completed'`.execute(db);
  }
}

async function createGrantIndexes(db: Kysely<any>): Promise<void> {
  // Serve the filters of dates for the grants that grants_expiring and grants_ending leave out. No refresh writes them:
  // they hold grants that failed or cannot be refreshed.
  await sql`
    create index if not exists grants_expiring_rest on grants (expires_at, id)
    where expires_at is not null and (status <> 'completed' or not refreshable)`.execute(db);
  await sql`
    create index if not exists grants_ending_rest on grants (refresh_expires_at, id)
    where refresh_expires_at is not null and (status <> 'completed' or not refreshable)`.execute(db);

  // Counts the grants that work and whose last refresh failed.
  await sql`
    create index if not exists grants_failing on grants (id)
    where status = 'completed' and consecutive_failures > 0`.execute(db);
}

async function createConnectionIndexes(db: Kysely<any>): Promise<void> {
  // Serve pages of connections across organisations. No organisation has an empty id. The included column lets a page be
  // read from the index alone.
  await sql`
    create index connections_listed on connections ((coalesce(organization_id, '')), provider, name, id)
    include (organization_id)`.execute(db);
  await sql`create index connections_provider on connections (provider, id)`.execute(db);
}
