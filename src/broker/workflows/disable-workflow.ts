import type { Actor } from '../../domain/callers/caller.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { WorkflowState } from '../../domain/workflows.ts';
import { workflowEventOf } from '../audit-event.ts';

/**
 * Disables a workflow of the organisation, also one that never fetched: from the commit on, no process serves its
 * fetches. A disabled workflow gets the new reason.
 */
export type DisableWorkflow = (actor: Actor, workflowId: string, reason: string) => Promise<WorkflowState>;

export interface DisableWorkflowDeps {
  database: Pick<Database, 'writeReserved'>;
  clock: () => Date;
}

export function createDisableWorkflow({ database, clock }: DisableWorkflowDeps): DisableWorkflow {
  return (actor, workflowId, reason) =>
    // Like a revocation, it must not wait for a pool that the workflow's own fetches keep busy.
    database.writeReserved(actor.organizationId, async ({ workflows, audit }) => {
      const now = clock();
      const state = await workflows.disable(workflowId, { reason, by: actor.caller.id, at: now });
      const workflow = { id: workflowId, name: null };
      await audit.append(workflowEventOf(actor, now, { action: 'workflow.disabled', workflow, reason }));
      return state;
    });
}
