import type { OrganizationId } from '../../../../src/domain/connections/connection.ts';
import { invalidRequest } from '../../../../src/domain/errors.ts';
import { type Grant, type GrantSlot, longerLifetime } from '../../../../src/domain/grants/grant.ts';
import type { GrantArrival, GrantFilter, GrantPage, GrantWriter } from '../../../../src/domain/ports/grants.ts';
import { createGrantsOfConnection } from './grants-of-connection.ts';
import { byCreation, compareText, type MemoryRows } from './state.ts';

export const noTokens = { sealedTokens: null, metadata: null };
export const notRevoked = { revokedAt: null, revokedBy: null, revokedReason: null };

const blank = {
  ...noTokens,
  ...notRevoked,
  accountName: null,
  accountVerified: false,
  longestLifetimeSeconds: null,
  reportedVersion: null,
  version: 1,
  leaseOwner: null,
  leaseUntil: null,
  refreshStartedAt: null,
  consecutiveFailures: 0,
  failingSince: null,
  lastError: null,
  retryAt: null,
  lastRefreshAt: null,
  lastTestAt: null,
  health: null,
  healthError: null,
} as const;

type OwnSlot = Omit<GrantSlot, 'organizationId'>;

export function createMemoryGrants(rows: MemoryRows, organizationId: OrganizationId): GrantWriter {
  const own = (connectionId: string) =>
    byCreation(rows.grants.values()).filter(
      (grant) => grant.connectionId === connectionId && grant.organizationId === organizationId,
    );
  const matching = ({ connectionId, subject, accountId }: OwnSlot) =>
    own(connectionId).filter(
      (grant) => grant.subject === subject && (accountId === null || grant.accountId === accountId),
    );
  const slotAccountOf = ({ connectionId, accountId }: OwnSlot) =>
    rows.connections.get(connectionId)?.settings.multiAccount === true ? accountId : null;
  const inSlot = (slot: OwnSlot, slotAccount: string | null) =>
    matching({ ...slot, accountId: null }).find(({ id }) => rows.slotAccounts.get(id) === slotAccount);
  const ownById = (id: string) => {
    const grant = rows.grants.get(id);
    return grant?.organizationId === organizationId ? grant : undefined;
  };
  const change = (id: string, made: (grant: Grant) => Partial<Grant>) => {
    const grant = ownById(id);
    if (grant !== undefined) rows.grants.set(id, { ...grant, ...made(grant) });
  };

  return {
    ...createGrantsOfConnection(rows, organizationId),
    list: async (connectionId, filter) => pageOf(own(connectionId), filter),
    find: async (connectionId, id) => own(connectionId).find((grant) => grant.id === id),
    findMatching: async (slot, limit) => matching(slot).sort(byAccount).slice(0, limit),
    findSlot: async (slot) => {
      const [first, second] = matching(slot);
      return second === undefined ? first : undefined;
    },
    lockSlot: async (slot) => inSlot(slot, slotAccountOf(slot)),
    lockMatching: async (connectionId, subject, accountId) => matching({ connectionId, subject, accountId }),
    insert: async (id, arrival) => {
      const { slot, multiAccount, now } = arrival;
      const slotAccount = multiAccount ? slot.accountId : null;
      if (inSlot(slot, slotAccount) !== undefined) return false;
      rows.slotAccounts.set(id, slotAccount);
      rows.grants.set(id, { ...blank, ...slot, ...arrived(arrival, null), id, organizationId, createdAt: now });
      rows.clientRefusals.delete(slot.connectionId);
      return true;
    },
    replace: async (id, arrival) => {
      rows.clientRefusals.delete(arrival.slot.connectionId);
      if (ownById(id) !== undefined) rows.slotAccounts.set(id, arrival.multiAccount ? arrival.slot.accountId : null);
      change(id, ({ version, longestLifetimeSeconds }) => ({
        ...arrived(arrival, longestLifetimeSeconds),
        version: version + 1,
      }));
    },
    putFailed: async (id, slot, { reason, message, error = null, retryAt, origins, now }) => {
      const slotAccount = slotAccountOf(slot);
      const held = inSlot(slot, slotAccount);
      const grant = held ?? { ...blank, ...slot, requestedScopes: [], origins, id, organizationId, createdAt: now };
      if (held === undefined) rows.slotAccounts.set(id, slotAccount);
      rows.grants.set(grant.id, {
        ...grant,
        ...notRevoked,
        origins: grant.sealedTokens === null ? origins : grant.origins,
        status: 'failed',
        statusReason: reason,
        statusMessage: message,
        lastError: error,
        retryAt,
        consecutiveFailures: grant.consecutiveFailures + 1,
        failingSince: grant.failingSince ?? now,
        updatedAt: now,
      });
    },
    revoke: async (id, { by, reason, now }) =>
      change(id, ({ version }) => ({
        ...noTokens,
        version: version + 1,
        status: 'failed',
        statusReason: 'revoked',
        statusMessage: null,
        retryAt: null,
        refreshStartedAt: null,
        revokedAt: now,
        revokedBy: by,
        revokedReason: reason,
        updatedAt: now,
      })),
    delete: async (id) => {
      if (ownById(id) === undefined) return false;
      rows.slotAccounts.delete(id);
      return rows.grants.delete(id);
    },
    recordTest: async (id, { at, health, error, account = null }) =>
      change(id, ({ accountId, accountVerified }) => ({
        lastTestAt: at,
        health,
        healthError: error,
        accountVerified: accountVerified || (account !== null && account === accountId),
      })),
  };
}

function arrived(arrival: GrantArrival, longest: number | null) {
  const { slot, accountName, accountVerified, tokens, requestedScopes, origins, testedAt, now } = arrival;
  return {
    ...notRevoked,
    accountId: slot.accountId,
    accountName,
    accountVerified,
    status: 'completed' as const,
    statusReason: null,
    statusMessage: null,
    sealedTokens: tokens.sealed,
    metadata: tokens.metadata,
    requestedScopes,
    origins,
    longestLifetimeSeconds: longerLifetime(longest, tokens.metadata.lifetimeSeconds),
    consecutiveFailures: 0,
    failingSince: null,
    lastError: null,
    retryAt: null,
    refreshStartedAt: null,
    lastTestAt: testedAt,
    health: testedAt === null ? null : ('healthy' as const),
    healthError: null,
    updatedAt: now,
  };
}

function byAccount(a: Grant, b: Grant): number {
  return compareText(a.accountId ?? '', b.accountId ?? '');
}

function pageOf(grants: readonly Grant[], filter: GrantFilter): GrantPage {
  const { status, subject, q, cursor, limit } = filter;
  const before = grants.findIndex(({ id }) => id === cursor);
  if (cursor !== undefined && before < 0) throw invalidRequest({ path: 'query.cursor', message: 'is unknown' });
  const holds = (text: string | null) => text?.toLowerCase().includes(q?.toLowerCase() ?? '') === true;
  const found = grants
    .slice(before + 1)
    .filter((grant) => status === undefined || grant.status === status)
    .filter((grant) => subject === undefined || grant.subject === subject)
    .filter((grant) => q === undefined || [grant.subject, grant.accountId, grant.accountName].some(holds));
  const page = found.slice(0, limit);
  return { grants: page, nextCursor: found.length > limit ? (page.at(-1)?.id ?? null) : null };
}
