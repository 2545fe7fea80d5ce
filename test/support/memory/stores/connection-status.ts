import { type Authorization, outcomeOf } from '../../../../src/domain/authorization.ts';
import type { Connection, OrganizationId } from '../../../../src/domain/connections/connection.ts';
import { failedAuthorization } from '../../../../src/domain/failed-authorization.ts';
import type { Grant, StatusReason } from '../../../../src/domain/grants/grant.ts';
import type { ConnectionRecord } from '../../../../src/domain/ports/connections.ts';
import { byCreation, compareText, type MemoryRows } from './state.ts';

type Status = Pick<ConnectionRecord, 'status' | 'statusReason' | 'statusMessage' | 'failure'>;

/** The status of a connection as one organisation sees it, and the grant that serves it. */
export function createConnectionStatus(
  rows: MemoryRows,
  organizationId: OrganizationId,
  clock: () => Date,
): (connection: Connection) => Status & Pick<ConnectionRecord, 'served'> {
  const grantsOf = (connection: Connection, owner: OrganizationId) =>
    byCreation(rows.grants.values()).filter(
      (grant) => grant.connectionId === connection.id && grant.organizationId === owner && grant.subject === null,
    );
  const preferred = (grants: Grant[]) => grants.find(({ status }) => status === 'completed') ?? grants[0];
  const latestAuthorization = (connection: Connection): Authorization | undefined =>
    [...rows.authorizations.values()]
      .filter(
        (each) =>
          each.connectionId === connection.id && each.organizationId === organizationId && each.subject === null,
      )
      .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || compareText(a.stateHash, b.stateHash))[0];

  return (connection) => {
    const isShared = connection.organizationId === null && connection.settings.shareWithOrganizations;
    const served =
      preferred(grantsOf(connection, organizationId)) ?? preferred(isShared ? grantsOf(connection, null) : []);
    return { ...seenStatus(served, latestAuthorization(connection), clock()), served: served ?? null };
  };
}

// The first match wins. A grant that is completed or failed wins over an authorization; one without tokens does not.
function seenStatus(grant: Grant | undefined, latest: Authorization | undefined, now: Date): Status {
  const isRunning = latest !== undefined && latest.expiresAt > now;
  if (grant !== undefined && grant.status !== 'not_connected') return statusOf(grant, grant.status);
  if (latest?.status === 'pending' && isRunning) return plain('waiting_callback');
  if (latest?.status === 'testing' && outcomeOf(latest, now) === 'pending') return plain('testing');
  if (grant !== undefined) return statusOf(grant, grant.status);
  switch (latest?.status) {
    case 'pending':
    case 'testing':
      return failed('authorization_expired', 'The authorization expired.');
    case 'cancelled':
      return failed('authorization_cancelled', 'It was cancelled.');
    case 'failed':
      return {
        ...statusOf(latest, latest.statusReason === 'configuration_changed' ? 'not_connected' : 'failed'),
        failure: failedAuthorization(latest),
      };
    default:
      return plain('not_connected');
  }
}

function statusOf(row: Pick<Status, 'statusReason' | 'statusMessage'>, status: Status['status']): Status {
  return { status, statusReason: row.statusReason, statusMessage: row.statusMessage, failure: null };
}

function failed(statusReason: StatusReason, statusMessage: string): Status {
  return { status: 'failed', statusReason, statusMessage, failure: null };
}

function plain(status: Status['status']): Status {
  return { status, statusReason: null, statusMessage: null, failure: null };
}
