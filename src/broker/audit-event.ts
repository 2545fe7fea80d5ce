import type { AuditAction, AuditEvent } from '../domain/audit.ts';
import type { Actor } from '../domain/callers/caller.ts';
import type { Connection } from '../domain/connections/connection.ts';
import type { Workflow } from '../domain/workflows.ts';

interface ConnectionEvent {
  action: AuditAction;
  connection: Pick<Connection, 'id' | 'name'>;
  grantId?: string;
  outcome?: AuditEvent['outcome'];
  details?: AuditEvent['details'];
}

/** Builds the audit entry of a caller's action on a connection. The store it is written to adds the organisation. */
export function eventOf(
  actor: Actor,
  time: Date,
  { action, connection, grantId, outcome, details }: ConnectionEvent,
): Omit<AuditEvent, 'organizationId'> {
  return {
    time,
    actor: actor.caller.id,
    action,
    connectionId: connection.id,
    connectionName: connection.name,
    grantId: grantId ?? null,
    outcome: outcome ?? 'success',
    details: details ?? {},
    ...actor.trace,
  };
}

interface WorkflowEvent {
  action: Extract<AuditAction, `workflow.${string}`>;
  workflow: Workflow;
  /** Connection that the workflow depends on, or whose deletion disables it. */
  connection?: Pick<Connection, 'id' | 'name'>;
  reason?: string;
}

/** Builds the audit entry of a change of a workflow. The store it is written to adds the organisation. */
export function workflowEventOf(
  actor: Actor,
  time: Date,
  { action, workflow, connection, reason }: WorkflowEvent,
): Omit<AuditEvent, 'organizationId'> {
  return {
    time,
    actor: actor.caller.id,
    action,
    connectionId: connection?.id ?? null,
    connectionName: connection?.name ?? null,
    grantId: null,
    outcome: 'success',
    details: {
      workflow_id: workflow.id,
      workflow_name: workflow.name,
      ...(reason === undefined ? {} : { reason }),
    },
    ...actor.trace,
  };
}
