import type { Selectable } from 'kysely';
import type { UrlOrigins } from '../../domain/connections/url-origins.ts';
import type { Grant, LastError, TokenMetadata } from '../../domain/grants/grant.ts';
import type { StoredTokens } from '../../domain/ports/grants.ts';
import type { GrantsTable, StoredLastError } from '../tables.ts';
import { noSiblings, siblingColumns, toSiblings } from './sibling-columns.ts';

/** Columns that make up a grant. Other columns of the table are read and written by single statements only. */
export const grantColumns = [
  'id',
  'connection_id',
  'organization_id',
  'subject',
  'account_id',
  'account_name',
  'account_verified',
  'status',
  'status_reason',
  'status_message',
  'sealed_tokens',
  'expires_at',
  'refresh_expires_at',
  'obtained_at',
  'lifetime_seconds',
  'longest_lifetime_seconds',
  'refreshable',
  'scopes',
  'keep_alive_at',
  'siblings',
  'requested_scopes',
  'test_origin',
  'revocation_origin',
  'version',
  'reported_version',
  'lease_owner',
  'lease_until',
  'refresh_started_at',
  'consecutive_failures',
  'failing_since',
  'last_error',
  'retry_at',
  'last_refresh_at',
  'last_test_at',
  'health',
  'health_error',
  'revoked_at',
  'revoked_by',
  'revoked_reason',
  'created_at',
  'updated_at',
] as const satisfies readonly (keyof GrantsTable)[];
export type GrantRow = Pick<Selectable<GrantsTable>, (typeof grantColumns)[number]>;

export function toGrant(row: GrantRow): Grant {
  return {
    id: row.id,
    connectionId: row.connection_id,
    organizationId: row.organization_id,
    subject: row.subject,
    accountId: row.account_id,
    accountName: row.account_name,
    accountVerified: row.account_verified,
    status: row.status,
    statusReason: row.status_reason,
    statusMessage: row.status_message,
    sealedTokens: row.sealed_tokens,
    metadata: toMetadata(row),
    requestedScopes: row.requested_scopes,
    origins: toOrigins(row),
    longestLifetimeSeconds: row.longest_lifetime_seconds,
    version: row.version,
    reportedVersion: row.reported_version,
    leaseOwner: row.lease_owner,
    leaseUntil: row.lease_until,
    refreshStartedAt: row.refresh_started_at,
    consecutiveFailures: row.consecutive_failures,
    failingSince: row.failing_since,
    lastError: toLastError(row.last_error),
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

/** Origins of the connection's own URLs that a row records. */
export function toOrigins(row: Pick<GrantRow, 'test_origin' | 'revocation_origin'>): UrlOrigins {
  return { testUrl: row.test_origin, revocationUrl: row.revocation_origin };
}

export function originColumns({ testUrl, revocationUrl }: UrlOrigins) {
  return { test_origin: testUrl, revocation_origin: revocationUrl };
}

function toMetadata(row: GrantRow): TokenMetadata | null {
  if (row.sealed_tokens === null) return null;
  return {
    expiresAt: row.expires_at,
    refreshExpiresAt: row.refresh_expires_at,
    obtainedAt: row.obtained_at,
    lifetimeSeconds: row.lifetime_seconds,
    refreshable: row.refreshable,
    scopes: row.scopes,
    ...(row.keep_alive_at !== null && { keepAliveAt: row.keep_alive_at }),
    ...(row.siblings !== null && { siblings: toSiblings(row.siblings) }),
  };
}

function toLastError(stored: StoredLastError | null): LastError | null {
  return stored && { ...stored, at: new Date(stored.at) };
}

/** Writes a failure for its column; null clears the column. */
export function lastErrorColumn(error: LastError | null): string | null {
  return error && JSON.stringify(error);
}

/** Column values of a token set and its metadata, which are always written together. */
export function tokenColumns({ sealed, metadata }: StoredTokens) {
  return {
    sealed_tokens: sealed,
    expires_at: metadata.expiresAt,
    refresh_expires_at: metadata.refreshExpiresAt,
    obtained_at: metadata.obtainedAt,
    lifetime_seconds: metadata.lifetimeSeconds,
    refreshable: metadata.refreshable,
    scopes: [...metadata.scopes],
    keep_alive_at: metadata.keepAliveAt ?? null,
    ...siblingColumns(metadata.siblings),
  };
}

/** Column values that remove a token set and its metadata. */
export const noTokens = {
  sealed_tokens: null,
  expires_at: null,
  refresh_expires_at: null,
  obtained_at: null,
  lifetime_seconds: null,
  refreshable: false,
  scopes: [] as string[],
  keep_alive_at: null,
  ...noSiblings,
};

/** Column values that clear an earlier failure. */
export const healthyColumns = {
  status: 'completed' as const,
  status_reason: null,
  status_message: null,
  consecutive_failures: 0,
  failing_since: null,
  last_error: null,
  retry_at: null,
  // The intent of an unanswered call concerns the replaced refresh token, so it ends with that token.
  refresh_started_at: null,
};

/** Column values for a refresh token from outside the refresh engine: an authorization or an import. */
export const newRefreshToken = { refresh_rolls: null, warned_refresh_expires_at: null };

export const notRevoked = { revoked_at: null, revoked_by: null, revoked_reason: null };
