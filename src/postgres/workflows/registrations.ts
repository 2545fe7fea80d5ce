import type pg from 'pg';
import type { WorkflowFetch, WorkflowRegistrations } from '../../domain/ports/workflows.ts';
import { unnestRows } from '../batch/unnest-rows.ts';
import { queryPrepared } from '../driver/query-prepared.ts';

const fetches = unnestRows<WorkflowFetch>('fetches', [
  ['connection_id', 'uuid', ({ connectionId }) => connectionId],
  ['organization_id', 'text', ({ organizationId }) => organizationId],
  ['workflow_id', 'text', ({ workflow }) => workflow.id],
  ['workflow_name', 'text', ({ workflow }) => workflow.name],
  ['at', 'timestamptz', ({ at }) => at.toISOString()],
]);

/**
 * Locks the connections that exist, and registers below those only: a connection that was deleted meanwhile must not fail
 * the others. The rows are written in the order of their key, so two processes never wait for each other in a circle.
 */
const text = `
  insert into workflow_dependencies as known (
    connection_id, organization_id, workflow_id, workflow_name, registered_at, last_accessed_at
  )
  select used.id, fetches.organization_id, fetches.workflow_id, fetches.workflow_name, fetches.at, fetches.at
  from ${fetches.text}
  cross join lateral (
    select c.id from connections c
    where c.id = fetches.connection_id and (c.organization_id is null or c.organization_id = fetches.organization_id)
    for key share
  ) used
  order by used.id, fetches.organization_id, fetches.workflow_id
  on conflict on constraint workflow_dependencies_pair do update set
    workflow_name = coalesce(excluded.workflow_name, known.workflow_name),
    last_accessed_at = excluded.last_accessed_at
  where excluded.last_accessed_at > known.last_accessed_at`;

export function createWorkflowRegistrations({ pool }: { pool: Pick<pg.Pool, 'connect'> }): WorkflowRegistrations {
  return {
    async registerAll(batch) {
      await queryPrepared(pool, { name: 'workflow_fetches', text, values: fetches.values(batch) });
    },
  };
}
