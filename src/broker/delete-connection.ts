import type { Actor } from '../domain/caller.ts';

export interface DeletedConnection {
  /** Workflows that were disabled because they depended on it. */
  disabledWorkflows: { workflowId: string; workflowName: string | null }[];
}

/** Revokes at the provider what can be revoked, after the row is gone. Throws connection_not_found, dependent_workflows. */
export type DeleteConnection = (
  actor: Actor,
  name: string,
  options: { confirmDisableWorkflows: boolean },
) => Promise<DeletedConnection>;
