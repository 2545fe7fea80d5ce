import type { OrganizationId } from '../../src/domain/connection.ts';
import type { Grant } from '../../src/domain/grant.ts';
import type { GrantArrival, GrantWriter } from '../../src/domain/ports/stores.ts';
import type { MemoryRows } from './memory-database.ts';

const noTokens = { sealedTokens: null, facts: null };

const blank = {
  ...noTokens,
  accountName: null,
  status: 'not_connected',
  statusReason: null,
  statusMessage: null,
  requestedScopes: [],
  version: 0,
  leaseOwner: null,
  leaseUntil: null,
  refreshStartedAt: null,
  consecutiveFailures: 0,
  failingSince: null,
  retryAt: null,
  lastRefreshAt: null,
  lastTestAt: null,
  health: null,
  healthError: null,
  revokedAt: null,
  revokedBy: null,
  revokedReason: null,
} as const;

export function createMemoryGrants(rows: MemoryRows, organizationId: OrganizationId): GrantWriter {
  const below = (connectionId: string) =>
    [...rows.grants.values()].filter((grant) => grant.connectionId === connectionId);
  const own = (connectionId: string) => below(connectionId).filter((grant) => grant.organizationId === organizationId);
  const isMulti = (connectionId: string) => rows.connections.get(connectionId)?.settings.multiAccount === true;
  const bySubject = (connectionId: string, subject: string | null, accountId: string | null) =>
    own(connectionId).filter(
      (grant) => grant.subject === subject && (accountId === null || grant.accountId === accountId),
    );
  const inSlot = ({ connectionId, subject, accountId }: GrantArrival['slot']) =>
    bySubject(connectionId, subject, null).find((grant) => !isMulti(connectionId) || grant.accountId === accountId);
  const change = (id: string, made: (grant: Grant) => Partial<Grant>) => {
    const grant = rows.grants.get(id);
    if (grant !== undefined) rows.grants.set(id, { ...grant, ...made(grant) });
  };
  const arrived = ({ slot, accountName, tokens, requestedScopes, testedAt, now }: GrantArrival) => ({
    ...slot,
    accountName,
    status: 'completed' as const,
    statusReason: null,
    statusMessage: null,
    sealedTokens: tokens.sealed,
    facts: tokens.facts,
    requestedScopes,
    lastTestAt: testedAt,
    revokedAt: null,
    revokedBy: null,
    revokedReason: null,
    retryAt: null,
    updatedAt: now,
  });

  return {
    list: async (connectionId) => own(connectionId),
    findSlot: async ({ connectionId, subject, accountId }) => {
      const [first, second] = bySubject(connectionId, subject, accountId);
      return second === undefined ? first : undefined;
    },
    lockSlot: async (slot) => inSlot(slot),
    lockMatching: async (connectionId, subject, accountId) => bySubject(connectionId, subject, accountId),
    insert: async (id, arrival) => {
      if (inSlot(arrival.slot) !== undefined) return false;
      rows.grants.set(id, {
        ...blank,
        ...arrived(arrival),
        id,
        organizationId,
        version: 1,
        requestedScopes: arrival.requestedScopes,
        createdAt: arrival.now,
      });
      return true;
    },
    replace: async (id, arrival) => change(id, ({ version }) => ({ ...arrived(arrival), version: version + 1 })),
    putFailed: async (id, slot, { reason, message, retryAt, now }) => {
      const failed = {
        status: 'failed',
        statusReason: reason,
        statusMessage: message,
        retryAt,
        updatedAt: now,
      } as const;
      const held = rows.grants.get(id) ?? {
        ...blank,
        ...slot,
        id,
        organizationId,
        requestedScopes: [],
        createdAt: now,
      };
      rows.grants.set(id, { ...held, ...failed });
    },
    revoke: async (id, { by, reason, now }) =>
      change(id, ({ version }) => ({
        ...noTokens,
        version: version + 1,
        status: 'failed',
        statusReason: 'revoked',
        revokedAt: now,
        revokedBy: by,
        revokedReason: reason,
      })),
    delete: async (id) => rows.grants.delete(id),
    listAllOf: async (connectionId) => below(connectionId).filter((grant) => grant.sealedTokens !== null),
    dropAllOf: async (connectionId) => {
      for (const { id } of below(connectionId)) {
        change(id, ({ version }) => ({
          ...noTokens,
          version: version + 1,
          status: 'not_connected',
          statusReason: 'configuration_changed',
        }));
      }
      return below(connectionId).length;
    },
    liftClientRejection: async (connectionId) => {
      const rejected = below(connectionId).filter((grant) => grant.statusReason === 'client_rejected');
      for (const { id } of rejected) change(id, () => ({ status: 'completed', statusReason: null }));
    },
    maxAccountsPerSubject: async (connectionId) => {
      const subjects = Object.groupBy(below(connectionId), (each) => `${each.organizationId}/${each.subject}`);
      return Math.max(0, ...Object.values(subjects).map((accounts) => accounts?.length ?? 0));
    },
    setMultiAccount: async () => undefined,
    recordTest: async (id, { at, health, error }) => change(id, () => ({ lastTestAt: at, health, healthError: error })),
  };
}
