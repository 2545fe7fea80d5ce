import type { AuditAction, AuditEvent } from '../domain/audit.ts';
import type { Actor } from '../domain/caller.ts';
import type { Connection } from '../domain/connection.ts';

interface Told {
  action: AuditAction;
  connection: Pick<Connection, 'id' | 'name'>;
  grantId?: string;
  outcome?: AuditEvent['outcome'];
  details?: AuditEvent['details'];
}

/** A line of the record for what a caller did to a connection; the organisation comes from the store it is written to. */
export function eventOf(
  actor: Actor,
  time: Date,
  { action, connection, grantId, outcome, details }: Told,
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
