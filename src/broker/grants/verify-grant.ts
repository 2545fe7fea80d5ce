import type { Actor } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import type { RefreshGrant } from '../refresh/refresh-grant.ts';
import type { TestConnection } from './test-connection.ts';

/**
 * Refreshes a stored grant at once, or probes its access token if it cannot be refreshed. The outcome is recorded on the
 * grant: a refusal never throws and never removes the grant.
 */
export type VerifyGrant = (actor: Actor, connectionName: string, grant: Grant) => Promise<void>;

export interface VerifyGrantDeps {
  refreshGrant: RefreshGrant;
  testConnection: TestConnection;
  /** False with REFRESH_MODE=off: the access token is probed instead. */
  callsTokenEndpoints: boolean;
}

export function createVerifyGrant({ refreshGrant, testConnection, callsTokenEndpoints }: VerifyGrantDeps): VerifyGrant {
  return async (actor, connectionName, grant) => {
    if (callsTokenEndpoints && grant.metadata?.refreshable === true) {
      await refreshGrant(grant.id, {
        isSatisfiedBy: (current) => current.version > grant.version,
        onDemand: true,
        triesRefused: true,
        seenVersion: grant.version,
      });
      return;
    }
    try {
      await testConnection(actor, connectionName, { subject: grant.subject, accountId: grant.accountId });
    } catch (error) {
      // The token cannot be served, so it is not probed: it has expired, for example. The grant shows why.
      if (!(error instanceof BrokerError)) throw error;
    }
  };
}
