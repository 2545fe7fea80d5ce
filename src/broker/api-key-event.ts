import type { ApiKey } from '../domain/api-key.ts';
import type { AuditEvent } from '../domain/audit.ts';
import type { Caller, Trace } from '../domain/caller.ts';

/** Belongs to the record of the one organisation a key is bound to; a key of wider reach is the global scope's business. */
export function apiKeyEvent(
  action: 'api_key.created' | 'api_key.revoked',
  caller: Caller,
  { id, name, permissions, organizations, global }: ApiKey,
  trace: Trace,
  time: Date,
): AuditEvent {
  const only = organizations !== '*' && organizations.length === 1 && !global ? organizations[0] : undefined;
  return {
    time,
    actor: caller.id,
    action,
    organizationId: only ?? null,
    connectionId: null,
    connectionName: null,
    grantId: null,
    outcome: 'success',
    details: {
      api_key_id: id,
      name,
      permissions,
      organizations: organizations === '*' ? '*' : [...organizations],
      global,
    },
    ...trace,
  };
}
