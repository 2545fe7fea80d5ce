import type { AuditEvent } from '../../audit.ts';
import type { OrganizationId } from '../../connections/connection.ts';

/** A refresh token with a known expiry. */
export interface ExpiringGrant {
  grantId: string;
  organizationId: OrganizationId;
  connectionId: string;
  connectionName: string;
  refreshExpiresAt: Date;
}

export interface ExpiryStore {
  /**
   * Marks up to `limit` grants whose refresh token expires within `withinMs` as warned of, with one event each, in one
   * transaction. Skips tokens that each refresh prolongs while refreshes succeed. Returns an empty list when all are
   * done.
   */
  warn(
    query: { now: Date; withinMs: number; limit: number },
    eventOf: (expiring: ExpiringGrant) => AuditEvent,
  ): Promise<ExpiringGrant[]>;
}
