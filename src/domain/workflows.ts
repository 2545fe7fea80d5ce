import type { OrganizationId } from './connections/connection.ts';

/**
 * Form of a workflow id. The id is a segment of URLs, so it has no slash and no leading dot. `disabled` is the path of a
 * list and names no workflow.
 */
export const workflowIdPattern = /^(?!disabled$)[A-Za-z0-9_-][A-Za-z0-9._:@-]{0,199}$/;

/** A workflow of an organisation, or of the global scope, as it names itself. */
export interface Workflow {
  id: string;
  /** Null if the workflow never named itself. */
  name: string | null;
}

/** A workflow's use of a connection. */
export interface Dependency {
  workflow: Workflow;
  connectionId: string;
  connectionName: string;
  /** Organisation that owns the connection; null for a global connection. */
  connectionOwner: OrganizationId;
  registeredAt: Date;
  lastAccessedAt: Date;
}

/** A workflow of any organisation that depends on a connection. */
export interface Dependent {
  organizationId: OrganizationId;
  workflow: Workflow;
}

/** State of a workflow that was disabled at least once. Every other workflow is not disabled. */
export interface WorkflowState {
  workflowId: string;
  isDisabled: boolean;
  /** Reason of the present or the last disabling. */
  reason: string;
  disabledAt: Date;
  disabledBy: string;
  /** Connection whose deletion disabled the workflow; null if a caller disabled it. The name outlives the connection. */
  connectionName: string | null;
  /** The last enabling; null if it was never enabled. */
  enabledAt: Date | null;
  enabledBy: string | null;
}
