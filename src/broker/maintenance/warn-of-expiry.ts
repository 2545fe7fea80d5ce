import type { AuditEvent } from '../../domain/audit.ts';
import type { ExpiringGrant, ExpiryStore } from '../../domain/ports/maintenance/expiry.ts';

/** Warns once per refresh token that it expires soon. Reports each through `onWarning` and returns their number. */
export type WarnOfExpiry = (signal: AbortSignal) => Promise<number>;

export interface WarnOfExpiryDeps {
  expiries: ExpiryStore;
  clock: () => Date;
  /** Milliseconds before expiry at which to warn; 0 disables warnings. */
  warningMs: number;
  onWarning: (expiring: ExpiringGrant) => void;
}

/** Grants per transaction; bounds how long their rows are locked. */
const batchSize = 100;

export function createWarnOfExpiry(deps: WarnOfExpiryDeps): WarnOfExpiry {
  const { expiries, clock, warningMs: withinMs, onWarning } = deps;
  return async (signal) => {
    let warnings = 0;
    while (withinMs > 0) {
      signal.throwIfAborted();
      const now = clock();
      const warned = await expiries.warn({ now, withinMs, limit: batchSize }, (expiring) => eventOf(expiring, now));
      if (warned.length === 0) break;
      warned.forEach(onWarning);
      warnings += warned.length;
    }
    return warnings;
  };
}

function eventOf(expiring: ExpiringGrant, time: Date): AuditEvent {
  const { grantId, organizationId, connectionId, connectionName, refreshExpiresAt } = expiring;
  return {
    time,
    actor: 'broker',
    action: 'grant.expiring',
    organizationId,
    connectionId,
    connectionName,
    grantId,
    outcome: 'success',
    details: { refresh_expires_at: refreshExpiresAt.toISOString() },
    requestId: null,
    address: null,
  };
}
