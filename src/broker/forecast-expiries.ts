import type { AuditEvent } from '../domain/audit.ts';
import type { ExpiringGrant, ForecastStore } from '../domain/ports/upkeep.ts';

/** Warns, once for each token, of refresh tokens whose death is near. Answers those it warned of through `onWarning`. */
export type ForecastExpiries = (signal: AbortSignal) => Promise<number>;

export interface ForecastExpiriesDeps {
  forecasts: ForecastStore;
  clock: () => Date;
  /** How long before; 0 warns of nothing. */
  warningMs: number;
  onWarning: (expiring: ExpiringGrant) => void;
}

const batchSize = 100;

export function createForecastExpiries(deps: ForecastExpiriesDeps): ForecastExpiries {
  const { forecasts, clock, warningMs: withinMs, onWarning } = deps;
  return async (signal) => {
    let warnings = 0;
    while (withinMs > 0) {
      signal.throwIfAborted();
      const now = clock();
      const warned = await forecasts.warn({ now, withinMs, limit: batchSize }, (expiring) => eventOf(expiring, now));
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
