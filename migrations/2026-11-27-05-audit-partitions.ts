import { type Kysely, sql } from 'kysely';

/** Months that have a partition ahead of time. */
const monthsAhead = 12;

/**
 * Makes audit_events a table with one partition a month, so that retention drops partitions instead of deleting rows, and
 * adds the history of consents. Rows that exist become the first partition: they are read once, to prove their range and
 * to build the indexes of the filters, and writers wait meanwhile.
 */
export async function up(db: Kysely<any>): Promise<void> {
  const { rows } = await sql<{ schema: string; next_id: string; upper: string }>`
    select current_schema()::text as schema, (coalesce(max(id), 0) + 1)::text as next_id,
      to_char(date_trunc('month', greatest(now(), max(time)) at time zone 'UTC') + interval '1 month', 'YYYY-MM-DD') as upper
    from audit_events`.execute(db);
  const [found] = rows;
  if (found === undefined) throw new Error('audit_events cannot be read');
  await setAsideRows(db);
  await createParent(db, found.next_id);
  await copyPrivileges(db);
  await createFunctions(db, found.schema);
  await attachRows(db, found.upper);
  await createConsents(db);
}

async function setAsideRows(db: Kysely<any>): Promise<void> {
  await sql`alter table audit_events rename to audit_events_before`.execute(db);
  await sql`alter index audit_events_time rename to audit_events_before_time`.execute(db);
  await sql`alter index audit_events_organization rename to audit_events_before_organization`.execute(db);
  await sql`alter table audit_events_before rename constraint audit_events_pkey to audit_events_before_pkey`.execute(
    db,
  );
  await sql`drop trigger audit_events_append_only on audit_events_before`.execute(db);
  // The parent has no identity, because Postgres 15 and 16 know none over partitions.
  await sql`alter table audit_events_before alter column id drop identity`.execute(db);
  await sql`alter table audit_events_before add column transaction_id xid8`.execute(db);
}

async function createParent(db: Kysely<any>, nextId: string): Promise<void> {
  await sql`create sequence audit_events_ids start with ${sql.raw(nextId)}`.execute(db);
  // Runs with the rights of the owner: a role that may insert events needs no right to the sequence. Its body is bound
  // to the sequence here, so no search_path changes what it does.
  await sql`
    create function next_audit_event_id() returns bigint language sql security definer
    return nextval('audit_events_ids'::regclass)`.execute(db);

  // No foreign keys: an audit event outlives the rows it names. No primary key: one over partitions would have to contain
  // the time, and building it would rewrite the rows that exist. The sequence alone makes ids unique.
  // transaction_id says which events a snapshot sees. An export uses it to read a fixed set of events while writers run.
  await sql`
    create table audit_events (
      id bigint not null default next_audit_event_id(),
      time timestamptz(3) not null,
      actor text not null,
      action text not null,
      organization_id text collate "C",
      connection_id uuid,
      connection_name text,
      grant_id uuid,
      outcome text not null constraint audit_events_outcome_check check (outcome in ('success', 'failure')),
      details jsonb not null constraint audit_events_details_check check (jsonb_typeof(details) = 'object'),
      request_id text,
      address text,
      transaction_id xid8 default pg_current_xact_id()
    ) partition by range (time)`.execute(db);

  // Each serves one filter of the list, newest first. Without it, a page of a rare value reads whole partitions.
  await sql`create index audit_events_time on audit_events (time, id)`.execute(db);
  await sql`create index audit_events_organization on audit_events (organization_id, time, id)`.execute(db);
  await sql`create index audit_events_actor on audit_events (actor, time, id)`.execute(db);
  await sql`create index audit_events_action on audit_events (action, time, id)`.execute(db);
  await sql`
    create index audit_events_connection on audit_events (connection_name, time, id)
    where connection_name is not null`.execute(db);
  await sql`
    create index audit_events_grant on audit_events (grant_id, time, id) where grant_id is not null`.execute(db);
  // Successes are the many: they need no index beside that of the time.
  await sql`create index audit_events_failures on audit_events (time, id) where outcome = 'failure'`.execute(db);

  // For each row: Postgres gives such a trigger to every partition, so it also holds for statements that name one.
  await sql`
    create trigger audit_events_append_only before update or delete on audit_events
    for each row execute function refuse_change_of_audit_events()`.execute(db);
  await createTruncateTrigger(db, 'audit_events');

  // Takes events of months without a partition, so that no change is refused for a missing one.
  await sql`create table audit_events_default partition of audit_events default`.execute(db);
  await createTruncateTrigger(db, 'audit_events_default');
}

/** Postgres gives no partition a trigger of its parent for TRUNCATE. */
async function createTruncateTrigger(db: Kysely<any>, table: string): Promise<void> {
  await sql`
    create trigger audit_events_no_truncate before truncate on ${sql.id(table)}
    for each statement execute function refuse_change_of_audit_events()`.execute(db);
}

/** A service role that does not own the tables keeps its rights to the renamed table only. */
async function copyPrivileges(db: Kysely<any>): Promise<void> {
  await sql`
    do $$
    declare held record;
    begin
      for held in
        select acl.privilege_type as privilege, acl.is_grantable as grantable,
          case when acl.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(acl.grantee)) end as grantee
        from pg_class, aclexplode(relacl) as acl
        where pg_class.oid = 'audit_events_before'::regclass and acl.grantee <> relowner
      loop
        execute format('grant %s on audit_events to %s %s', held.privilege, held.grantee,
          case when held.grantable then 'with grant option' else '' end);
      end loop;
    end $$`.execute(db);
}

async function createFunctions(db: Kysely<any>, schema: string): Promise<void> {
  const path = sql`${sql.id(schema)}, pg_temp`;
  // The upper bound is null for the default partition. The settings fix the text of the bounds.
  await sql`
    create function audit_partitions() returns table (name text, upper timestamptz) language sql stable
    set search_path = ${path} set timezone = 'UTC' set datestyle = 'ISO' as $$
      select relname::text,
        (regexp_match(pg_get_expr(relpartbound, pg_class.oid), 'TO \\(''([^'']+)''\\)'))[1]::timestamptz
      from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = 'audit_events'::regclass
    $$`.execute(db);

  // Runs with the rights of the owner: the privileges of a service role are those of the parent.
  await sql`
    create function latest_stray_audit_event() returns timestamptz language sql stable security definer
    set search_path = ${path} as 'select max(time) from audit_events_default'`.execute(db);

  // Runs with the rights of the owner: a service role that may not create tables gets its partitions too. Attaching lets
  // writers of other partitions go on, whereas CREATE TABLE … PARTITION OF would lock the parent against them. A month
  // whose events are already in the default partition stays there.
  await sql`
    create function create_audit_partitions(months integer) returns text[] language plpgsql security definer
    set search_path = ${path} set timezone = 'UTC' as $$
    declare
      lower_bound timestamptz;
      upper_bound timestamptz;
      partition_name text;
      made text[] := '{}';
    begin
      perform pg_advisory_xact_lock(7203117461220320);
      for n in 0..least(months, 24) loop
        lower_bound := date_trunc('month', now()) + make_interval(months => n);
        upper_bound := lower_bound + interval '1 month';
        continue when exists (
          select from audit_partitions() where upper = upper_bound or name = 'audit_events_before' and upper >= upper_bound
        ) or exists (select from audit_events_default where time >= lower_bound and time < upper_bound);
        partition_name := to_char(lower_bound, '"audit_events_"YYYY_MM');
        execute format('create table %I (like audit_events including all)', partition_name);
        execute format(
          'create trigger audit_events_no_truncate before truncate on %I
            for each statement execute function refuse_change_of_audit_events()', partition_name);
        execute format('alter table audit_events attach partition %I for values from (%L) to (%L)',
          partition_name, lower_bound, upper_bound);
        made := made || partition_name;
      end loop;
      return made;
    end $$`.execute(db);

  // Runs with the rights of its caller: only the owner may remove events. The default partition is replaced by an empty
  // one when even its newest event is old.
  await sql`
    create function drop_audit_partitions(before timestamptz) returns text[] language plpgsql
    set search_path = ${path} as $$
    declare
      partition_name text;
      dropped text[] := '{}';
    begin
      perform pg_advisory_xact_lock(7203117461220320);
      for partition_name in select name from audit_partitions() where upper <= before order by upper loop
        execute format('drop table %I', partition_name);
        dropped := dropped || partition_name;
      end loop;
      if latest_stray_audit_event() < before then
        drop table audit_events_default;
        create table audit_events_default partition of audit_events default;
        create trigger audit_events_no_truncate before truncate on audit_events_default
          for each statement execute function refuse_change_of_audit_events();
        dropped := dropped || 'audit_events_default'::text;
      end if;
      return dropped;
    end $$`.execute(db);
}

async function attachRows(db: Kysely<any>, upper: string): Promise<void> {
  await sql`
    alter table audit_events attach partition audit_events_before
    for values from (minvalue) to (${sql.lit(`${upper}T00:00:00Z`)})`.execute(db);
  await createTruncateTrigger(db, 'audit_events_before');
  await sql`select create_audit_partitions(${sql.lit(monthsAhead)})`.execute(db);
}

async function createConsents(db: Kysely<any>): Promise<void> {
  // No foreign keys: the history outlives grant, connection and audit events.
  await sql`
    create table consents (
      id uuid primary key,
      grant_id uuid not null,
      connection_id uuid not null,
      connection_name text not null,
      organization_id text collate "C" check (organization_id <> ''),
      subject text,
      account_id text,
      account_name text,
      scopes text[] not null,
      how text not null check (how in ('authorization', 'import', 'client_credentials')),
      actor text not null,
      address text,
      at timestamptz(3) not null,
      ended_at timestamptz(3),
      ended_by text check (ended_by in ('replaced', 'revoked', 'deleted', 'disconnected')),
      ended_actor text,
      replaced_by uuid,
      check ((ended_at is null) = (ended_by is null) and (ended_at is null) = (ended_actor is null)),
      check ((replaced_by is not null) = (ended_by is not distinct from 'replaced'))
    )`.execute(db);

  // Serves the history of one grant, newest first, and the end of its present consent.
  await sql`create index consents_grant on consents (grant_id, at, id)`.execute(db);

  // Serves the end of all consents of a connection that is deleted or loses its tokens.
  await sql`create index consents_open on consents (connection_id) where ended_at is null`.execute(db);
}
