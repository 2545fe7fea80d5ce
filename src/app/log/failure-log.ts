import type { Logger } from 'pino';
import type { RevocationGivenUp } from '../../broker/revocations/attempt-revocation.ts';
import type { AuditAction, AuditEvent } from '../../domain/audit.ts';
import { type ConnectionPlace, connectionPage, grantPage } from '../../domain/console/console-pages.ts';
import type { RefreshFailure } from '../../domain/ports/engine.ts';
import type { ExpiringGrant } from '../../domain/ports/maintenance/expiry.ts';
import type { HealthChange } from '../../domain/ports/maintenance/health.ts';
import type { Database } from '../../domain/ports/stores.ts';

/** Returns PUBLIC_URL with BASE_PATH, which links to the console begin with. */
type BaseUrl = () => string;

/** Writes one log line for each failed refresh. */
export function logRefreshFailures(log: Pick<Logger, 'warn'>, baseUrl: BaseUrl): (failure: RefreshFailure) => void {
  return ({ grant, connectionName, error, failed, retryAt, sibling }) =>
    log.warn(
      {
        connection_name: connectionName,
        organization_id: grant.organizationId,
        subject: grant.subject,
        grant_id: grant.id,
        class: error.class,
        error: error.error,
        error_description: error.errorDescription,
        http_status: error.httpStatus,
        attempts: error.attempts,
        status_reason: failed,
        retry_at: retryAt,
        // Absent for the main token set.
        sibling,
        console_url: pageOf(baseUrl, { ...grant, name: connectionName }, grant.id),
      },
      'refresh failed',
    );
}

/** Writes one log line when scheduled checks find that a grant became unhealthy, and one when it is healthy again. */
export function logHealthChanges(log: Pick<Logger, 'warn' | 'info'>, baseUrl: BaseUrl): (change: HealthChange) => void {
  return ({ grant, connectionName, health, error }) => {
    const names = {
      connection_name: connectionName,
      organization_id: grant.organizationId,
      subject: grant.subject,
      grant_id: grant.id,
    };
    if (health === 'healthy') log.info(names, 'health restored');
    else {
      const console_url = pageOf(baseUrl, { ...grant, name: connectionName }, grant.id);
      log.warn({ ...names, reason: error, console_url }, 'health check failed');
    }
  };
}

/** Writes one log line for each refresh token that expires soon. */
export function logExpiryWarnings(log: Pick<Logger, 'warn'>, baseUrl: BaseUrl): (expiring: ExpiringGrant) => void {
  return ({ grantId, organizationId, connectionName, refreshExpiresAt }) =>
    log.warn(
      {
        grant_id: grantId,
        connection_name: connectionName,
        organization_id: organizationId,
        refresh_expires_at: refreshExpiresAt,
        console_url: pageOf(baseUrl, { name: connectionName, organizationId }, grantId),
      },
      'refresh token will expire',
    );
}

/** Writes one log line for each revocation that the provider did not confirm and that is not tried again. */
export function logRevocationsGivenUp(
  log: Pick<Logger, 'warn'>,
  baseUrl: BaseUrl,
): (givenUp: RevocationGivenUp) => void {
  return ({ revocation: { grant, connection, attempts, createdAt }, error }) =>
    log.warn(
      {
        connection_name: connection.name,
        organization_id: grant.organizationId,
        grant_id: grant.id,
        attempts,
        revoked_at: createdAt,
        error,
        // The grant may be deleted.
        console_url: pageOf(baseUrl, { ...grant, name: connection.name }, null),
      },
      'revocation at provider given up',
    );
}

/** Messages of the failures that only the audit trail records. A failed token request of a grant has a line of its own. */
const messages: Partial<Record<AuditAction, string>> = {
  'authorization.callback': 'authorization failed',
  'connection.tested': 'test of connection failed',
};

/**
 * Writes one log line for each failure of a connection that a transaction adds to the audit trail, after its commit.
 */
export function logRecordedFailures(database: Database, log: Pick<Logger, 'warn'>, baseUrl: BaseUrl): Database {
  return {
    read: database.read,
    // Revocations and deletions record no failures.
    writeReserved: database.writeReserved,
    write: async (organizationId, work) => {
      let failures: Omit<AuditEvent, 'organizationId'>[] = [];
      const result = await database.write(organizationId, (stores) => {
        failures = [];
        const append: typeof stores.audit.append = async (event) => {
          await stores.audit.append(event);
          if (event.outcome === 'failure') failures.push(event);
        };
        return work({ ...stores, audit: { ...stores.audit, append } });
      });
      for (const { action, connectionName, grantId, details } of failures) {
        const message = messages[action];
        if (message === undefined || connectionName === null) continue;
        const names = { connection_name: connectionName, organization_id: organizationId, grant_id: grantId };
        const console_url = pageOf(baseUrl, { name: connectionName, organizationId }, grantId);
        log.warn({ ...names, subject: null, ...details, console_url }, message);
      }
      return result;
    },
  };
}

/** Returns the page of the grant in the console; without a grant, that of the connection. */
function pageOf(baseUrl: BaseUrl, { name, organizationId }: ConnectionPlace, grantId: string | null): string {
  const page =
    grantId === null
      ? connectionPage({ name, organizationId })
      : grantPage({ connectionName: name, organizationId, grantId });
  return `${baseUrl()}${page}`;
}
