import type { OrganizationId } from './connection.ts';
import type { Sealed } from './ports/cipher.ts';

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

/** What a row of grants can be in; waiting_callback and testing belong to the pending trip, see authorization.ts. */
export type StoredGrantStatus = Exclude<GrantStatus, 'waiting_callback' | 'testing'>;

export type Health = 'healthy' | 'unhealthy';

/** Where a grant lives: one slot per connection, organisation and subject, and per account where the connection has many. */
export interface GrantSlot {
  connectionId: string;
  /** The owner; null is shared with every organisation through the fallback. */
  organizationId: OrganizationId;
  /** The platform's id of a person; null is nobody in particular. */
  subject: string | null;
  /** The provider's id of the account; part of the slot only where the connection is multi_account. */
  accountId: string | null;
}

/** What is kept of a token set beside the sealed secrets. Written together with them or not at all. */
export interface TokenFacts {
  /** Null: the provider never said, and nothing lets us infer it. */
  expiresAt: Date | null;
  refreshExpiresAt: Date | null;
  /** Null for an imported token: when it was issued is unknown. */
  obtainedAt: Date | null;
  /** Seconds the provider gave this access token; the last one seen where it stopped saying. */
  lifetimeSeconds: number | null;
  /** Whether there is anything to refresh it with: a refresh token, the client's own credentials, or the template's exchange. */
  refreshable: boolean;
  scopes: string[];
  /** When a refresh token that dies of disuse must have been used again; absent where none does. */
  keepAliveAt?: Date;
}

/** One token set obtained through a connection, with the state of its upkeep. */
export interface Grant extends GrantSlot {
  /** UUID version 7. */
  id: string;
  accountName: string | null;
  status: StoredGrantStatus;
  statusReason: StatusReason | null;
  /** For people; never holds provider text beyond its own error code. */
  statusMessage: string | null;
  /** Null when the tokens were dropped, revoked, or never arrived. */
  sealedTokens: Sealed | null;
  facts: TokenFacts | null;
  requestedScopes: string[];
  /** Grows with every token set, import, revoke and drop; every write of tokens compares it first. */
  version: number;
  leaseOwner: string | null;
  leaseUntil: Date | null;
  /** Set while a refresh may have been sent and its answer is not yet stored. */
  refreshStartedAt: Date | null;
  consecutiveFailures: number;
  failingSince: Date | null;
  /** Before this, nobody calls the provider for this grant. */
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

/** The grant once a refreshed token set is stored: whatever was wrong before is over, and nobody holds its lease. */
export function renewedGrant(grant: Grant, tokens: { sealed: Sealed; facts: TokenFacts }, at: Date): Grant {
  return {
    ...grant,
    status: 'completed',
    statusReason: null,
    statusMessage: null,
    sealedTokens: tokens.sealed,
    facts: tokens.facts,
    version: grant.version + 1,
    leaseOwner: null,
    leaseUntil: null,
    refreshStartedAt: null,
    consecutiveFailures: 0,
    failingSince: null,
    retryAt: null,
    lastRefreshAt: at,
    updatedAt: at,
  };
}
