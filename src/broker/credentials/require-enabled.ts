import type { OrganizationId } from '../../domain/connections/connection.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { WorkflowStates } from '../../domain/ports/workflows.ts';
import type { Workflow } from '../../domain/workflows.ts';

/** Throws workflow_disabled if the workflow of a fetch is disabled in the organisation. */
export type RequireEnabled = (organizationId: OrganizationId, workflow: Workflow) => Promise<void>;

export function createRequireEnabled({ find }: WorkflowStates): RequireEnabled {
  return async (organizationId, { id }) => {
    const state = await find(organizationId, id);
    if (state?.isDisabled !== true) return;
    const { reason, disabledAt, connectionName } = state;
    throw BrokerError.with('workflow_disabled', `The workflow ${id} is disabled: ${reason}`, {
      disabled_reason: reason,
      disabled_at: disabledAt.toISOString(),
      connection_name: connectionName,
    });
  };
}
