import { type Kysely, sql } from 'kysely';

/** Adds what the lists of workflows need, and the name of the connection behind a disabled workflow. */
export async function up(db: Kysely<any>): Promise<void> {
  // Deleting the connection clears connection_id. The name still says which connection to set up again.
  await sql`alter table workflow_states add column connection_name text`.execute(db);

  // A state is written when a workflow is disabled, so these are never missing.
  await sql`
    alter table workflow_states
      alter column reason set not null,
      alter column disabled_at set not null,
      alter column disabled_by set not null,
      add constraint workflow_states_enabled check ((enabled_at is null) = (enabled_by is null)),
      add constraint workflow_states_length check (length(workflow_id) <= 200)`.execute(db);
  await sql`
    alter table workflow_dependencies
      add constraint workflow_dependencies_length check (length(workflow_id) <= 200 and length(workflow_name) <= 255)`.execute(
    db,
  );

  // Serves a page of a workflow's connections in their order. The index it replaces leaves the order to a sort.
  await sql`
    create index workflow_dependencies_list on workflow_dependencies (organization_id, workflow_id, connection_id)`.execute(
    db,
  );
  await sql`drop index workflow_dependencies_workflow`.execute(db);

  // Serves the list of disabled workflows, however many were enabled again.
  await sql`
    create index workflow_states_disabled on workflow_states (organization_id, workflow_id) where is_disabled`.execute(
    db,
  );
}
