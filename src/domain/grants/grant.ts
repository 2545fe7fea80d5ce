import type { OrganizationId } from '../connections/connection.ts';
import type { UrlOrigins } from '../connections/url-origins.ts';
import type { Sealed } from '../ports/cipher.ts';
import type { FailureClass } from '../provider-failure.ts';

export const grantStatuses = ['not_connected', 'waiting_callback', 'testing', 'completed', 'failed'] as const;
export type GrantStatus = (typeof grantStatuses)[number];

export const statusReasons = [
  'user_denied',
  'exchange_failed',
  'test_failed',
  'reauthorization_required',
  'client_rejected',
  'configuration_rejected',
  'provider_rejected',
  'configuration_changed',
  'revoked',
  'account_mismatch',
  'authorization_expired',
  'authorization_cancelled',
  'rotation_interrupted',
  'token_expired',
] as const;
export type StatusReason = (typeof statusReasons)[number];

/** Statuses of a grant row. waiting_callback and testing belong to the pending authorization, see authorization.ts. */
export type StoredGrantStatus = Exclude<GrantStatus, 'waiting_callback' | 'testing'>;

export type Health = 'healthy' | 'unhealthy';

/**
 * Key of a grant: one slot per connection, organisation and subject, and per account if the connection is
 * multi_account.
 */
export interface GrantSlot {
  connectionId: string;
  /** Owner of the grant; null shares it with every organisation through the fallback. */
  organizationId: OrganizationId;
  /** Platform's id of a person; null means no particular person. */
  subject: string | null;
  /** Provider's id of the account; part of the key only if the connection is multi_account. */
  accountId: string | null;
}

/** Metadata of a token set, stored in clear beside the sealed secrets. Always written together with them. */
export interface TokenMetadata {
  /** Expiry of the access token; null when the provider does not state it and it cannot be inferred. */
  expiresAt: Date | null;
  refreshExpiresAt: Date | null;
  /** Time of the token request; null when the issue time is unknown. */
  obtainedAt: Date | null;
  /** Lifetime of the access token in seconds; the last known one if the provider stops stating it. */
  lifetimeSeconds: number | null;
  /** Whether a refresh is possible: with a refresh token, the client's own credentials, or the template's exchange. */
  refreshable: boolean;
  scopes: string[];
  /** Time by which a refresh token that expires when unused must be used; absent when it has no such limit. */
  keepAliveAt?: Date;
  /** Second token sets of the grant, by name; absent when it has none. Their secrets are in the same sealed token set. */
  siblings?: Siblings;
}

export type Siblings = Readonly<Record<string, Sibling>>;

/**
 * Second token set of a grant, such as the user token beside Slack's bot token, without its secrets. It is refreshed by
 * itself: its failures are not those of the grant, and the other way round.
 */
export interface Sibling
  extends Pick<
    Grant,
    | 'statusReason'
    | 'statusMessage'
    | 'refreshStartedAt'
    | 'consecutiveFailures'
    | 'failingSince'
    | 'lastError'
    | 'retryAt'
    | 'lastRefreshAt'
  > {
  status: 'completed' | 'failed';
  metadata: Omit<TokenMetadata, 'siblings'>;
}

/** Last failed refresh of a grant, until a refresh succeeds. */
export interface LastError {
  class: FailureClass;
  /** Error code of the provider. */
  error: string | null;
  /** Provider's description, cleaned: provider text, at most 200 printable characters. */
  errorDescription: string | null;
  httpStatus: number | null;
  at: Date;
  /** Consecutive failures of this kind, this one included. */
  attempts: number;
}

/** One token set obtained through a connection, with the state of its maintenance. */
export interface Grant extends GrantSlot {
  /** UUID version 7. */
  id: string;
  accountName: string | null;
  /**
   * Whether the token response or a probe with the token named the account. The callback's query and a caller prove
   * nothing.
   */
  accountVerified: boolean;
  status: StoredGrantStatus;
  statusReason: StatusReason | null;
  /** Message for people. Contains no provider text except the provider's error code. */
  statusMessage: string | null;
  /** Sealed token set; null when it was dropped, revoked or never obtained. */
  sealedTokens: Sealed | null;
  metadata: TokenMetadata | null;
  requestedScopes: string[];
  /** Own hosts of the connection when the grant was authorized or imported. A refresh does not change them. */
  origins: UrlOrigins;
  /** Longest access token lifetime in seconds that was ever stored for the grant; null if none was known. */
  longestLifetimeSeconds: number | null;
  /** Grows with every new token set, import, revocation and drop. Every write of tokens compares it first. */
  version: number;
  /**
   * Version whose access token a caller reported as rejected by the provider's API. The report ends with the next version.
   */
  reportedVersion: number | null;
  leaseOwner: string | null;
  leaseUntil: Date | null;
  /** Set while a refresh may have been sent and its response is not yet stored. */
  refreshStartedAt: Date | null;
  consecutiveFailures: number;
  failingSince: Date | null;
  lastError: LastError | null;
  /** Earliest time of the next provider call for this grant. Refreshes on demand ignore it. */
  retryAt: Date | null;
  lastRefreshAt: Date | null;
  lastTestAt: Date | null;
  health: Health | null;
  healthError: string | null;
  revokedAt: Date | null;
  revokedBy: string | null;
  revokedReason: string | null;
  createdAt: Date;
  updatedAt: Date;
}

/** Returns the grant with a refreshed token set: earlier failures are cleared and the lease is released. */
export function renewedGrant(grant: Grant, tokens: { sealed: Sealed; metadata: TokenMetadata }, at: Date): Grant {
  return {
    ...grant,
    status: 'completed',
    statusReason: null,
    statusMessage: null,
    sealedTokens: tokens.sealed,
    metadata: tokens.metadata,
    longestLifetimeSeconds: longerLifetime(grant.longestLifetimeSeconds, tokens.metadata.lifetimeSeconds),
    version: grant.version + 1,
    leaseOwner: null,
    leaseUntil: null,
    refreshStartedAt: null,
    consecutiveFailures: 0,
    failingSince: null,
    lastError: null,
    retryAt: null,
    lastRefreshAt: at,
    updatedAt: at,
  };
}

/** Returns the longer of two lifetimes in seconds. Null means unknown. */
export function longerLifetime(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}
