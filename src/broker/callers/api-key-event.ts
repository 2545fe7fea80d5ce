import type { AuditEvent } from '../../domain/audit.ts';
import type { ApiKey } from '../../domain/callers/api-key.ts';
import type { Caller, Trace } from '../../domain/callers/caller.ts';

/**
 * Builds the audit entry of an API key. It belongs to the key's only organisation; for a wider reach to the global
 * scope.
 */
export function apiKeyEvent(
  action: 'api_key.created' | 'api_key.revoked',
  caller: Caller,
  { id, name, permissions, organizations, global, rateLimitPerMinute }: ApiKey,
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
      rate_limit_per_minute: rateLimitPerMinute,
    },
    ...trace,
  };
}
