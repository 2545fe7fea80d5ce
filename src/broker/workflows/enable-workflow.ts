import type { Actor } from '../../domain/callers/caller.ts';
import type { Database } from '../../domain/ports/stores.ts';
import { workflowEventOf } from '../audit-event.ts';
import { neverDisabled, type WorkflowView } from './get-workflow.ts';

/** Enables a workflow of the organisation. Changes nothing if it is not disabled. */
export type EnableWorkflow = (actor: Actor, workflowId: string) => Promise<WorkflowView>;

export interface EnableWorkflowDeps {
  database: Pick<Database, 'write'>;
  clock: () => Date;
}

export function createEnableWorkflow({ database, clock }: EnableWorkflowDeps): EnableWorkflow {
  return (actor, workflowId) =>
    database.write(actor.organizationId, async ({ workflows, audit }) => {
      const now = clock();
      const enabled = await workflows.enable(workflowId, { by: actor.caller.id, at: now });
      if (enabled === undefined) return (await workflows.find(workflowId)) ?? neverDisabled(workflowId);
      const workflow = { id: workflowId, name: null };
      await audit.append(workflowEventOf(actor, now, { action: 'workflow.enabled', workflow }));
      return enabled;
    });
}
