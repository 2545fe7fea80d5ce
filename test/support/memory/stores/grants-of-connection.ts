import type { OrganizationId } from '../../../../src/domain/connections/connection.ts';
import type { Grant } from '../../../../src/domain/grants/grant.ts';
import type { GrantWriter } from '../../../../src/domain/ports/grants.ts';
import { compareText, type MemoryRows } from './state.ts';

/** Changes grants of every organisation, below a connection that the organisation owns. */
export function createGrantsOfConnection(
  rows: MemoryRows,
  organizationId: OrganizationId,
): Pick<
  GrantWriter,
  'listAllOf' | 'countWorkingOf' | 'dropAllOf' | 'liftClientRejection' | 'maxAccountsPerSubject' | 'setMultiAccount'
> {
  const below = (connectionId: string) =>
    rows.connections.get(connectionId)?.organizationId === organizationId
      ? [...rows.grants.values()].filter((grant) => grant.connectionId === connectionId)
      : [];
  const change = (grant: Grant, made: Partial<Grant>) => rows.grants.set(grant.id, { ...grant, ...made });

  return {
    listAllOf: async (connectionId) =>
      below(connectionId)
        .filter(({ sealedTokens }) => sealedTokens !== null)
        .sort((a, b) => compareText(a.id, b.id))
        .map(({ id, organizationId: owner, sealedTokens, origins }) => ({
          id,
          organizationId: owner,
          sealedTokens,
          origins,
        })),
    countWorkingOf: async (connectionId) => {
      const working = below(connectionId).filter(
        ({ status, sealedTokens }) => status === 'completed' && sealedTokens !== null,
      );
      const owners = new Set(working.map((grant) => grant.organizationId));
      return { grants: working.length, organizations: owners.size };
    },
    dropAllOf: async (connectionId, now) => {
      for (const grant of below(connectionId)) {
        change(grant, {
          sealedTokens: null,
          metadata: null,
          longestLifetimeSeconds: null,
          revokedAt: null,
          revokedBy: null,
          revokedReason: null,
          status: 'not_connected',
          statusReason: 'configuration_changed',
          statusMessage: null,
          version: grant.version + 1,
          consecutiveFailures: 0,
          failingSince: null,
          lastError: null,
          retryAt: null,
          refreshStartedAt: null,
          updatedAt: now,
        });
      }
      return below(connectionId).length;
    },
    liftClientRejection: async (connectionId, now) => {
      const rejected = below(connectionId).filter(
        ({ status, statusReason, lastError }) =>
          status !== 'not_connected' &&
          (statusReason === 'client_rejected' || (statusReason === null && lastError?.class === 'client')),
      );
      for (const grant of rejected) {
        const lifted: Partial<Grant> =
          grant.sealedTokens === null
            ? { retryAt: now, lastError: grant.lastError && { ...grant.lastError, attempts: 0 } }
            : { status: 'completed', statusReason: null, statusMessage: null, retryAt: null, lastError: null };
        change(grant, { ...lifted, consecutiveFailures: 0, failingSince: null, updatedAt: now });
      }
      if (rows.connections.get(connectionId)?.organizationId === organizationId)
        rows.clientRefusals.delete(connectionId);
    },
    maxAccountsPerSubject: async (connectionId) => {
      const subjects = Object.groupBy(below(connectionId), (each) =>
        JSON.stringify([each.organizationId, each.subject]),
      );
      return Math.max(0, ...Object.values(subjects).map((accounts) => accounts?.length ?? 0));
    },
    setMultiAccount: async (connectionId, multiAccount) => {
      for (const { id, accountId } of below(connectionId)) rows.slotAccounts.set(id, multiAccount ? accountId : null);
    },
  };
}
