import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<any>): Promise<void> {
  await sql`
    create table workflow_dependencies (
      connection_id uuid not null references connections (id) on delete cascade,
      organization_id text collate "C" check (organization_id <> ''),
      workflow_id text collate "C" not null check (workflow_id <> ''),
      workflow_name text,
      registered_at timestamptz(3) not null,
      last_accessed_at timestamptz(3) not null,
      -- Makes registration idempotent. Also the index of the foreign key and of the list of a connection's workflows.
      constraint workflow_dependencies_pair unique nulls not distinct (connection_id, organization_id, workflow_id)
    )`.execute(db);

  // Serves the list of a workflow's connections.
  await sql`create index workflow_dependencies_workflow on workflow_dependencies (organization_id, workflow_id)`.execute(
    db,
  );

  await sql`
    create table workflow_states (
      organization_id text collate "C" check (organization_id <> ''),
      workflow_id text collate "C" not null check (workflow_id <> ''),
      is_disabled boolean not null,
      reason text,
      connection_id uuid references connections (id) on delete set null,
      disabled_at timestamptz(3),
      disabled_by text,
      enabled_at timestamptz(3),
      enabled_by text,
      -- Serves the check before a workflow runs.
      constraint workflow_states_workflow unique nulls not distinct (organization_id, workflow_id)
    )`.execute(db);

  // Index of the foreign key: without it, deleting a connection reads every state.
  await sql`create index workflow_states_connection on workflow_states (connection_id)`.execute(db);
}
