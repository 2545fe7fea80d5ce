import type { Actor } from '../../domain/callers/caller.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { WorkflowState } from '../../domain/workflows.ts';

/** State of a workflow, known or not. Every member but the first two is null if it was never disabled. */
export type WorkflowView =
  | WorkflowState
  | ({ workflowId: string; isDisabled: false } & {
      [M in Exclude<keyof WorkflowState, 'workflowId' | 'isDisabled'>]: null;
    });

/** Reads the state of a workflow of the organisation. A workflow that the broker never heard of is not disabled. */
export type GetWorkflow = (actor: Actor, workflowId: string) => Promise<WorkflowView>;

export function createGetWorkflow({ database }: { database: Pick<Database, 'read'> }): GetWorkflow {
  return async ({ organizationId }, workflowId) =>
    (await database.read(organizationId).workflows.find(workflowId)) ?? neverDisabled(workflowId);
}

export function neverDisabled(workflowId: string): WorkflowView {
  return {
    workflowId,
    isDisabled: false,
    reason: null,
    disabledAt: null,
    disabledBy: null,
    connectionName: null,
    enabledAt: null,
    enabledBy: null,
  };
}
