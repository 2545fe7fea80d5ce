import { randomBytes } from 'node:crypto';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { Grant, Sibling, TokenMetadata } from '../../../src/domain/grants/grant.ts';
import { noSiblingFailure } from '../../../src/domain/grants/siblings.ts';
import type { GrantArrival, StoredTokens } from '../../../src/domain/ports/grants.ts';

export function minutesFromNow(minutes: number): Date {
  return new Date(Date.now() + minutes * 60_000);
}

/** Metadata of a token of one hour, obtained now. */
export function someMetadata(changes: Partial<TokenMetadata> = {}): TokenMetadata {
  return {
    expiresAt: minutesFromNow(60),
    refreshExpiresAt: null,
    obtainedAt: new Date(),
    lifetimeSeconds: 3600,
    refreshable: true,
    scopes: ['read'],
    ...changes,
  };
}

/** A completed grant that nothing has failed. */
export function aGrant(changes: Partial<Grant> = {}): Grant {
  const now = new Date();
  return {
    id: 'grant',
    connectionId: 'connection',
    organizationId: 'acme',
    subject: null,
    accountId: null,
    accountName: null,
    accountVerified: false,
    status: 'completed',
    statusReason: null,
    statusMessage: null,
    sealedTokens: new Uint8Array([1]),
    metadata: someMetadata(),
    requestedScopes: ['read'],
    origins: { testUrl: null, revocationUrl: null },
    longestLifetimeSeconds: 3600,
    version: 1,
    reportedVersion: null,
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
    revokedAt: null,
    revokedBy: null,
    revokedReason: null,
    createdAt: now,
    updatedAt: now,
    ...changes,
  };
}

export function tokensUntil(expiresAt: Date | null, metadata: Partial<TokenMetadata> = {}): StoredTokens {
  return {
    sealed: randomBytes(32),
    metadata: someMetadata({ expiresAt, obtainedAt: minutesFromNow(-60), ...metadata }),
  };
}

export function anArrival(
  connection: Connection,
  changes: Partial<GrantArrival> & { subject?: string; accountId?: string } = {},
): GrantArrival {
  const { subject = null, accountId = null, ...rest } = changes;
  return {
    slot: { connectionId: connection.id, subject, accountId },
    multiAccount: connection.settings.multiAccount,
    accountName: null,
    accountVerified: false,
    tokens: tokensUntil(minutesFromNow(60)),
    requestedScopes: ['read'],
    origins: { testUrl: null, revocationUrl: null },
    testedAt: null,
    now: new Date(),
    ...rest,
  };
}

/** A second token set that works. Its token lives one hour. */
export function aSibling(changes: Partial<Sibling> = {}, metadata: Partial<Sibling['metadata']> = {}): Sibling {
  return { ...noSiblingFailure, lastRefreshAt: null, ...changes, metadata: someMetadata(metadata) };
}
