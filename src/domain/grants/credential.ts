import type { Flow, OrganizationId } from '../connections/connection.ts';
import type { NextAction } from '../next-action.ts';
import type { Grant, StatusReason } from './grant.ts';
import type { TokenSet } from './token-set.ts';

/** Selects a grant. A null subject means the grant without a subject; a null account means any account. */
export interface CredentialQuery {
  organizationId: OrganizationId;
  connectionName: string;
  subject: string | null;
  accountId: string | null;
}

/** The part of a grant that a fetch needs. */
export type ServableGrant = Pick<
  Grant,
  | 'id'
  | 'connectionId'
  | 'organizationId'
  | 'subject'
  | 'accountId'
  | 'status'
  | 'statusReason'
  | 'statusMessage'
  | 'sealedTokens'
  | 'metadata'
  | 'longestLifetimeSeconds'
  | 'version'
  | 'reportedVersion'
  | 'retryAt'
  | 'refreshStartedAt'
>;

/**
 * Maximum number of grants that are read to name the accounts of an ambiguous request. Without it, one request on a
 * connection with 100,000 accounts reads them all.
 */
export const maxAccountsNamed = 20;

/**
 * The connection that a query finds and the grants that may serve it. An organisation's own grants come before the
 * shared one. Several grants only if the query names no account, and at most maxAccountsNamed.
 */
export interface CredentialMatch {
  connectionId: string;
  connectionName: string;
  /** Owner of the connection: the organisation of the query, or null for a global connection. */
  organizationId: OrganizationId;
  flow: Flow;
  /** Id of the provider template. */
  provider: string;
  grants: ServableGrant[];
  /** Present if the match was in memory. */
  fromCache?: true;
}

/** A live access token, as a service receives it. */
export interface Credential {
  connectionName: string;
  organizationId: OrganizationId;
  grantOrganizationId: OrganizationId;
  subject: string | null;
  accountId: string | null;
  expiresAt: Date | null;
  scopes: string[];
  /** Version of the grant that it was made of. */
  version: number;
  status: Grant['status'];
  statusReason: StatusReason | null;
  /** Step that keeps the credential alive; `none` for a completed grant. */
  nextAction: NextAction;
  /** Opens the sealed tokens, anew at each call. */
  openTokens(): ServedTokens;
}

/** The part of a token set that a fetch hands out. `extra` are values captured from the token response. */
export type ServedTokens = Pick<TokenSet, 'accessToken' | 'tokenType' | 'extra'>;
