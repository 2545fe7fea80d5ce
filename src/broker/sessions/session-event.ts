import type { AuditEvent } from '../../domain/audit.ts';
import { type Caller, impliedOrganization, type Trace } from '../../domain/callers/caller.ts';
import type { SessionIdentity } from '../../domain/callers/session.ts';

interface SessionEvent {
  action: 'session.opened' | 'session.ended' | 'session.refused';
  /** Id of the caller that acts; `broker` for the service itself. */
  actor: string;
  /** Null if the rights are not known. The event then belongs to the global scope. */
  caller: Caller | null;
  details: AuditEvent['details'];
}

/** Builds the audit entry of a session. Like that of a key, it belongs to the only organisation of the caller. */
export function sessionEvent(
  { action, actor, caller, details }: SessionEvent,
  { requestId, address }: Trace,
  time: Date,
): AuditEvent {
  return {
    time,
    actor,
    action,
    organizationId: caller === null ? null : impliedOrganization(caller),
    connectionId: null,
    connectionName: null,
    grantId: null,
    outcome: action === 'session.refused' ? 'failure' : 'success',
    details,
    requestId,
    address,
  };
}

/** Facts of the identity for the trail. The name is that of a person, and the actor says the rest. */
export function identityDetails(identity: SessionIdentity): AuditEvent['details'] {
  return identity.kind === 'person'
    ? { kind: identity.kind, name: identity.name, role: identity.role }
    : { kind: identity.kind };
}
