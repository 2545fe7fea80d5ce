import type { Selectable } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { Dependency, WorkflowState } from '../../domain/workflows.ts';
import type { WorkflowStatesTable } from '../workflow-tables.ts';

export const stateColumns = [
  'workflow_id',
  'is_disabled',
  'reason',
  'connection_name',
  'disabled_at',
  'disabled_by',
  'enabled_at',
  'enabled_by',
] as const satisfies readonly (keyof WorkflowStatesTable)[];

export function toState(row: Pick<Selectable<WorkflowStatesTable>, (typeof stateColumns)[number]>): WorkflowState {
  return {
    workflowId: row.workflow_id,
    isDisabled: row.is_disabled,
    reason: row.reason,
    disabledAt: row.disabled_at,
    disabledBy: row.disabled_by,
    connectionName: row.connection_name,
    enabledAt: row.enabled_at,
    enabledBy: row.enabled_by,
  };
}

/** A dependency beside its connection. */
export interface DependencyRow {
  workflow_id: string;
  workflow_name: string | null;
  connection_id: string;
  connection_name: string;
  connection_owner: OrganizationId;
  registered_at: Date;
  last_accessed_at: Date;
}

export function toDependency(row: DependencyRow): Dependency {
  return {
    workflow: { id: row.workflow_id, name: row.workflow_name },
    connectionId: row.connection_id,
    connectionName: row.connection_name,
    connectionOwner: row.connection_owner,
    registeredAt: row.registered_at,
    lastAccessedAt: row.last_accessed_at,
  };
}
