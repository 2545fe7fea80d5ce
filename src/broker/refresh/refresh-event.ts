import type { AuditEvent } from '../../domain/audit.ts';
import type { LeasedGrant } from '../../domain/ports/engine.ts';

/**
 * Audit event of a refresh. The broker is the actor: a refresh has no caller. `sibling`: the second token set that was
 * to be refreshed.
 */
export function refreshEvent(
  { grant, connection }: LeasedGrant,
  time: Date,
  outcome: AuditEvent['outcome'],
  details: AuditEvent['details'],
  sibling?: string,
): AuditEvent {
  return {
    time,
    actor: 'broker',
    action: outcome === 'success' ? 'grant.refreshed' : 'grant.refresh_failed',
    organizationId: grant.organizationId,
    connectionId: connection.id,
    connectionName: connection.name,
    grantId: grant.id,
    outcome,
    details: sibling === undefined ? details : { ...details, sibling },
    requestId: null,
    address: null,
  };
}
