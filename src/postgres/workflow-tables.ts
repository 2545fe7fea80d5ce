export interface WorkflowDependenciesTable {
  connection_id: string;
  /** Organisation of the workflow, also below a global connection. */
  organization_id: string | null;
  workflow_id: string;
  workflow_name: string | null;
  registered_at: Date;
  last_accessed_at: Date;
}

export interface WorkflowStatesTable {
  organization_id: string | null;
  workflow_id: string;
  is_disabled: boolean;
  reason: string;
  /** Connection whose deletion disabled the workflow. Null once it is deleted. */
  connection_id: string | null;
  connection_name: string | null;
  disabled_at: Date;
  disabled_by: string;
  enabled_at: Date | null;
  enabled_by: string | null;
}
