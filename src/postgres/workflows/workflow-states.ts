import { LRUCache } from 'lru-cache';
import type { WorkflowReader, WorkflowStates } from '../../domain/ports/workflows.ts';
import type { WorkflowState } from '../../domain/workflows.ts';
import { createRecentInvalidations } from '../cache/recent-invalidations.ts';
import { channels } from '../notify/channels.ts';
import type { Listener } from '../notify/listener.ts';

export interface WorkflowStatesDeps {
  readerOf: (organizationId: string | null) => Pick<WorkflowReader, 'find'>;
  listener: Pick<Listener, 'subscribe' | 'onChange' | 'isUp'>;
}

/** Cached states, about 300 bytes each. Beyond it the state of the least recently used workflow is read again. */
const maxStates = 20_000;

/**
 * Caches the states of workflows for fetches, also that a workflow was never disabled: every change is a notification
 * that names the workflow. Caches nothing while the listener is down.
 */
export function createWorkflowStates({ readerOf, listener }: WorkflowStatesDeps): WorkflowStates {
  const states = new LRUCache<string, { state: WorkflowState | undefined }>({ max: maxStates });
  const invalidations = createRecentInvalidations();

  function clear(): void {
    invalidations.addAll();
    states.clear();
  }

  listener.subscribe(channels.workflowChanged, ({ organization_id, workflow_id }) => {
    if (workflow_id === null) return clear();
    const key = keyOf(organization_id, workflow_id);
    invalidations.add(key);
    states.delete(key);
  });
  listener.onChange(clear);

  async function readAndCache(
    key: string,
    organizationId: string | null,
    workflowId: string,
  ): Promise<WorkflowState | undefined> {
    const before = invalidations.position();
    const state = await readerOf(organizationId).find(workflowId);
    // A notification that arrived during the read may be about this workflow.
    if (listener.isUp() && !invalidations.includesAnySince(before, [key])) states.set(key, { state });
    return state;
  }

  return {
    find(organizationId, workflowId) {
      const key = keyOf(organizationId, workflowId);
      const cached = listener.isUp() ? states.get(key) : undefined;
      return cached === undefined ? readAndCache(key, organizationId, workflowId) : cached.state;
    },
  };
}

/** The part that separates the two is in no id of an organisation. */
function keyOf(organizationId: string | null, workflowId: string): string {
  return organizationId === null ? ` ${workflowId}` : `${organizationId} ${workflowId}`;
}
