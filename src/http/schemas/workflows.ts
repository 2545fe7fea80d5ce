import { z } from 'zod';
import type { WorkflowView } from '../../broker/workflows/get-workflow.ts';
import type { Dependency } from '../../domain/workflows.ts';
import { workflowIdPattern } from '../../domain/workflows.ts';
import { connectionName, isoOrNull, line, time, timeOrNull } from './fields/text.ts';

export const workflowId = z
  .string()
  .regex(workflowIdPattern, `must match ${workflowIdPattern.source}`)
  .describe('The platform’s own id of a workflow.');

/** A header value has one character for each byte. Clients send names in UTF-8, which reads as Latin-1 here. */
const workflowNameHeader = z
  .string()
  .max(1024)
  .transform((value) => {
    const bytes = Buffer.from(value, 'latin1');
    const text = bytes.toString('utf8');
    return Buffer.from(text).equals(bytes) ? text : value;
  })
  .pipe(line(255))
  .meta({ openapi: { type: 'string', maxLength: 255 } });

/** Headers of a fetch that names its workflow. */
export const workflowHeaders = z.object({
  'X-Workflow-Id': workflowId
    .optional()
    .describe(
      'Workflow that the token is for. Registers its dependency on the connection within seconds. A disabled workflow is refused.',
    ),
  'X-Workflow-Name': workflowNameHeader
    .optional()
    .describe('Name of that workflow for people, in UTF-8. Has no effect without X-Workflow-Id.'),
});

export function toWorkflow(headers: z.output<typeof workflowHeaders>): { id: string; name: string | null } | null {
  const id = headers['X-Workflow-Id'];
  return id === undefined ? null : { id, name: headers['X-Workflow-Name'] ?? null };
}

export const newDependency = z
  .strictObject({
    connection_name: connectionName,
    workflow_name: line(255).nullish().describe('Name of the workflow for people. Absent: a known name is kept.'),
  })
  .meta({ id: 'NewDependency' });

export const dependency = z
  .object({
    workflow_id: z.string(),
    workflow_name: z.string().nullable(),
    connection_name: z.string(),
    connection_organization_id: z
      .string()
      .nullable()
      .describe('Organisation that owns the connection; null for a global connection.'),
    registered_at: time,
    last_accessed_at: time.describe('Last fetch or registration that named the workflow; up to seconds behind.'),
  })
  .meta({ id: 'Dependency' });

const nextCursor = z.string().nullable().describe('Cursor of the next page; null on the last page.');

export const dependencyList = z
  .object({ dependencies: z.array(dependency), next_cursor: nextCursor })
  .meta({ id: 'DependencyList' });
export const dependentList = z
  .object({ dependents: z.array(dependency), next_cursor: nextCursor })
  .meta({ id: 'DependentList' });

export const disabling = z
  .strictObject({ reason: line(500).describe('Shown to the workflow whose fetches are refused.') })
  .meta({ id: 'Disabling' });

export const workflow = z
  .object({
    workflow_id: z.string(),
    is_disabled: z.boolean(),
    disabled_reason: z
      .string()
      .nullable()
      .describe('Reason of the last disabling, also after the workflow was enabled; null if it was never disabled.'),
    disabled_at: timeOrNull,
    disabled_by: z.string().nullable(),
    connection_name: z
      .string()
      .nullable()
      .describe('Connection whose deletion disabled the workflow; null if a caller disabled it.'),
    enabled_at: timeOrNull.describe('Time of the last enabling; null if it was never enabled.'),
    enabled_by: z.string().nullable(),
  })
  .meta({ id: 'Workflow' });

export const workflowList = z
  .object({ workflows: z.array(workflow), next_cursor: nextCursor })
  .meta({ id: 'WorkflowList' });

export function fromDependency(found: Dependency): z.input<typeof dependency> {
  return {
    workflow_id: found.workflow.id,
    workflow_name: found.workflow.name,
    connection_name: found.connectionName,
    connection_organization_id: found.connectionOwner,
    registered_at: found.registeredAt.toISOString(),
    last_accessed_at: found.lastAccessedAt.toISOString(),
  };
}

export function fromWorkflow(state: WorkflowView): z.input<typeof workflow> {
  return {
    workflow_id: state.workflowId,
    is_disabled: state.isDisabled,
    disabled_reason: state.reason,
    disabled_at: isoOrNull(state.disabledAt),
    disabled_by: state.disabledBy,
    connection_name: state.connectionName,
    enabled_at: isoOrNull(state.enabledAt),
    enabled_by: state.enabledBy,
  };
}
