import type { OrganizationId } from './connections/connection.ts';

export const auditActions = [
  'connection.created',
  'connection.updated',
  'connection.deleted',
  'connection.tested',
  'authorization.started',
  'authorization.cancelled',
  'authorization.callback',
  'authorization.confirmed',
  'grant.connected',
  'grant.imported',
  'grants.imported',
  'grant.refreshed',
  'grant.refresh_failed',
  'grant.expiring',
  'grant.revoked',
  'grant.revoked_at_provider',
  'grant.deleted',
  'api_key.created',
  'api_key.revoked',
  'session.opened',
  'session.ended',
  'session.refused',
  'sweep.requested',
  'encryption.rotation_started',
  'encryption.rotation_finished',
  'encryption.data_key_retired',
  'encryption.backup_confirmed',
  'health_check.requested',
  'health_run.requested',
  'workflow.registered',
  'workflow.disabled',
  'workflow.enabled',
  'credential.fetched',
  'credential.renewed',
  'credential.refused',
  'audit.fetches_lost',
] as const;
export type AuditAction = (typeof auditActions)[number];

export const auditOutcomes = ['success', 'failure'] as const;

/** One entry of the append-only audit trail. `details` holds no secrets, and provider text only in cleaned form. */
export interface AuditEvent {
  time: Date;
  actor: string;
  action: AuditAction;
  organizationId: OrganizationId;
  connectionId: string | null;
  connectionName: string | null;
  grantId: string | null;
  outcome: (typeof auditOutcomes)[number];
  details: Record<string, string | number | boolean | null | string[]>;
  requestId: string | null;
  address: string | null;
}

/** An event with its id, which is unique and grows in the order of writing. */
export type StoredAuditEvent = AuditEvent & { id: string };

/** An event in its public form, as the API and every export write it. Times are ISO 8601 in UTC. */
export function auditRecord(event: StoredAuditEvent) {
  return {
    id: event.id,
    time: event.time.toISOString(),
    actor: event.actor,
    action: event.action,
    organization_id: event.organizationId,
    connection_id: event.connectionId,
    connection_name: event.connectionName,
    grant_id: event.grantId,
    outcome: event.outcome,
    details: event.details,
    request_id: event.requestId,
    address: event.address,
  };
}
