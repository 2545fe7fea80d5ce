import type { Selectable } from 'kysely';
import type { Grant, TokenFacts } from '../domain/grant.ts';
import type { StoredTokens } from '../domain/ports/stores.ts';
import type { GrantsTable } from './tables.ts';

/** What a grant is made of; the other columns are for statements alone. */
export const grantColumns = [
  ...(['id', 'connection_id', 'organization_id', 'subject', 'account_id', 'account_name'] as const),
  ...(['status', 'status_reason', 'status_message', 'sealed_tokens'] as const),
  ...(['expires_at', 'refresh_expires_at', 'obtained_at', 'lifetime_seconds', 'refreshable', 'scopes'] as const),
  ...(['keep_alive_at', 'requested_scopes', 'version', 'lease_owner', 'lease_until', 'refresh_started_at'] as const),
  ...(['consecutive_failures', 'failing_since', 'retry_at', 'last_refresh_at', 'last_test_at'] as const),
  ...(['health', 'health_error', 'revoked_at', 'revoked_by', 'revoked_reason', 'created_at', 'updated_at'] as const),
] satisfies (keyof GrantsTable)[];
export type GrantRow = Pick<Selectable<GrantsTable>, (typeof grantColumns)[number]>;

export function toGrant(row: GrantRow): Grant {
  return {
    id: row.id,
    connectionId: row.connection_id,
    organizationId: row.organization_id,
    subject: row.subject,
    accountId: row.account_id,
    accountName: row.account_name,
    status: row.status,
    statusReason: row.status_reason,
    statusMessage: row.status_message,
    sealedTokens: row.sealed_tokens,
    facts: toFacts(row),
    requestedScopes: row.requested_scopes,
    version: row.version,
    leaseOwner: row.lease_owner,
    leaseUntil: row.lease_until,
    refreshStartedAt: row.refresh_started_at,
    consecutiveFailures: row.consecutive_failures,
    failingSince: row.failing_since,
    retryAt: row.retry_at,
    lastRefreshAt: row.last_refresh_at,
    lastTestAt: row.last_test_at,
    health: row.health,
    healthError: row.health_error,
    revokedAt: row.revoked_at,
    revokedBy: row.revoked_by,
    revokedReason: row.revoked_reason,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toFacts(row: GrantRow): TokenFacts | null {
  if (row.sealed_tokens === null) return null;
  return {
    expiresAt: row.expires_at,
    refreshExpiresAt: row.refresh_expires_at,
    obtainedAt: row.obtained_at,
    lifetimeSeconds: row.lifetime_seconds,
    refreshable: row.refreshable,
    scopes: row.scopes,
    ...(row.keep_alive_at !== null && { keepAliveAt: row.keep_alive_at }),
  };
}

/** The token set and what is kept beside it: always written together. */
export function tokenColumns({ sealed, facts }: StoredTokens) {
  return {
    sealed_tokens: sealed,
    expires_at: facts.expiresAt,
    refresh_expires_at: facts.refreshExpiresAt,
    obtained_at: facts.obtainedAt,
    lifetime_seconds: facts.lifetimeSeconds,
    refreshable: facts.refreshable,
    scopes: [...facts.scopes],
    keep_alive_at: facts.keepAliveAt ?? null,
  };
}

export const noTokens = {
  sealed_tokens: null,
  expires_at: null,
  refresh_expires_at: null,
  obtained_at: null,
  lifetime_seconds: null,
  refreshable: false,
  scopes: [] as string[],
  keep_alive_at: null,
};

/** What a token set that works makes of whatever was wrong before. */
export const untroubled = {
  status: 'completed' as const,
  status_reason: null,
  status_message: null,
  consecutive_failures: 0,
  failing_since: null,
  retry_at: null,
  // The token that an unanswered call may have spent is no longer the one in use.
  refresh_started_at: null,
};

/** Of a refresh token that did not come out of an earlier one. */
export const newRefreshToken = { refresh_rolls: null, warned_refresh_expires_at: null };

export const notRevoked = { revoked_at: null, revoked_by: null, revoked_reason: null };
