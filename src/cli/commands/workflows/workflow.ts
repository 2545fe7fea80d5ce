import { relativeTime } from '../../output/relative-time.ts';

export interface Workflow {
  workflow_id: string;
  is_disabled: boolean;
  disabled_reason: string | null;
  disabled_at: string | null;
  disabled_by: string | null;
  connection_name: string | null;
  enabled_at: string | null;
  enabled_by: string | null;
}

export interface Dependency {
  workflow_id: string;
  workflow_name: string | null;
  connection_name: string;
  connection_organization_id: string | null;
  registered_at: string;
  last_accessed_at: string;
}

export function workflowFacts(workflow: Workflow): [string, unknown][] {
  return [
    ['workflow', workflow.workflow_id],
    ['disabled', workflow.is_disabled],
    ['reason', workflow.disabled_reason],
    ['connection', workflow.connection_name],
    ['disabled at', relativeTime(workflow.disabled_at)],
    ['disabled by', workflow.disabled_by],
    ['enabled at', relativeTime(workflow.enabled_at)],
    ['enabled by', workflow.enabled_by],
  ];
}
