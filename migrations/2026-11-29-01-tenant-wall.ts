import { type Kysely, sql } from 'kysely';

/** Tables whose rows are hidden from other organisations, and the column that names the owner. Null is the global scope. */
const hidden: Readonly<Record<string, string>> = {
  authorizations: 'organization_id',
  deleted_authorizations: 'connection_owner',
  workflow_dependencies: 'organization_id',
  workflow_states: 'organization_id',
  consents: 'organization_id',
  pending_revocations: 'organization_id',
  audit_events: 'organization_id',
};

/** Organisation of the transaction. A setting that has ended is empty, and one that was never set is null. */
const organization = `nullif(current_setting('token_broker.organization', true), '')`;
/**
 * True if the transaction names no organisation, else null. The planner expects a value that is not null, so its
 * estimates stay as they are without the policies.
 */
const namesNone = `(select case when ${organization} is null then true end) is not null`;

/**
 * Adds the second wall between organisations, for a service whose role does not own the tables. Lets such a role maintain
 * the audit trail too: retention drops partitions with the rights of the owner. The command `migrate` grants the call.
 */
export async function up(db: Kysely<any>): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select current_schema()::text as schema`.execute(db);
  const [found] = rows;
  if (found === undefined) throw new Error('the schema cannot be read');
  await createRetention(db, found.schema);
  for (const [table, owner] of Object.entries(hidden)) await hide(db, table, owner);
  for (const table of ['connections', 'grants']) await protect(db, table);
}

/** True if a transaction names the owner of the row, or none. A subquery reads the setting once for a statement. */
const isOwn = (owner: string) => sql.raw(`${namesNone} or ${owner} = (select ${organization})`);

/**
 * Hides the rows of other organisations from transactions that name theirs. Global rows may be read and locked, not
 * changed. Transactions that name none are work across organisations, and see everything. Owners, cascades and triggers
 * with the rights of the owner are not limited.
 */
async function hide(db: Kysely<any>, table: string, owner: string): Promise<void> {
  await sql`alter table ${sql.id(table)} enable row level security`.execute(db);
  await sql`
    create policy organization on ${sql.id(table)}
    using (${isOwn(owner)} or ${sql.id(owner)} is null) with check (${isOwn(owner)})`.execute(db);
  // A deletion has no new row to check.
  await sql`
    create policy organization_deletes on ${sql.id(table)} as restrictive for delete
    using (${isOwn(owner)})`.execute(db);
}

/**
 * The same for everything but reads without a lock. Lists across organisations read these tables by their indexes alone,
 * which a policy for reads would make impossible: it reads a column more. Under it, Postgres would also use no index
 * whose expression might leak a value, and pages of grants need such an index. A policy that is true costs no plan.
 * Organisations use global connections, which they lock, and no global grant.
 */
async function protect(db: Kysely<any>, table: string): Promise<void> {
  const own = isOwn('organization_id');
  const locked = table === 'connections' ? sql`${own} or organization_id is null` : own;
  const on = sql`on ${sql.id(table)}`;
  await sql`alter table ${sql.id(table)} enable row level security`.execute(db);
  await sql`create policy reads ${on} for select using (true)`.execute(db);
  await sql`create policy organization_inserts ${on} for insert with check (${own})`.execute(db);
  await sql`create policy organization_updates ${on} for update using (${locked}) with check (${own})`.execute(db);
  await sql`create policy organization_deletes ${on} for delete using (${own})`.execute(db);
}

async function createRetention(db: Kysely<any>, schema: string): Promise<void> {
  // Runs with the rights of the owner, so no schema that others may write to is searched. Never drops events of the last
  // day, the shortest retention, whatever the caller names. The default partition is replaced by an empty one when even
  // its newest event is old.
  await sql`
    create or replace function drop_audit_partitions(before timestamptz) returns text[] language plpgsql security definer
    set search_path = ${sql.id(schema)}, pg_temp as $$
    declare
      bound timestamptz := least(before, now() - interval '1 day');
      partition_name text;
      dropped text[] := '{}';
    begin
      perform pg_advisory_xact_lock(7203117461220320);
      for partition_name in select name from audit_partitions() where upper <= bound order by upper loop
        execute format('drop table %I', partition_name);
        dropped := dropped || partition_name;
      end loop;
      if latest_stray_audit_event() < bound then
        drop table audit_events_default;
        create table audit_events_default partition of audit_events default;
        create trigger audit_events_no_truncate before truncate on audit_events_default
          for each statement execute function refuse_change_of_audit_events();
        dropped := dropped || 'audit_events_default'::text;
      end if;
      return dropped;
    end $$`.execute(db);
  await sql`revoke all on function drop_audit_partitions(timestamptz) from public`.execute(db);
}
