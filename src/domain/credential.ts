import type { Flow, OrganizationId } from './connection.ts';
import type { Grant, StatusReason } from './grant.ts';

/** What a request for a credential names; null subject is nobody in particular, null account is whichever there is. */
export interface CredentialQuery {
  organizationId: OrganizationId;
  connectionName: string;
  subject: string | null;
  accountId: string | null;
}

/** The part of a grant that a fetch needs. */
export interface ServableGrant
  extends Pick<
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
    | 'facts'
    | 'version'
    | 'retryAt'
    | 'refreshStartedAt'
  > {
  /** There where the grant is kept in memory. */
  room?: Room;
}

/**
 * Belongs to one grant as one query found it, and goes with it on every change: for the answer as it was written, in bytes
 * outside the engine's heap.
 */
export interface Room {
  answer?: Uint8Array;
}

/**
 * The connection a query finds and the grants that may answer it: the caller's own where there is any, else the shared
 * one. More than one only where no account was named.
 */
export interface CredentialMatch {
  connectionId: string;
  connectionName: string;
  /** Where the connection was found: the organisation asked for, or null. */
  organizationId: OrganizationId;
  flow: Flow;
  grants: ServableGrant[];
}

/** What a service receives. The access token is live when this is made. */
export interface Credential {
  connectionName: string;
  organizationId: OrganizationId;
  grantOrganizationId: OrganizationId;
  subject: string | null;
  accountId: string | null;
  expiresAt: Date | null;
  scopes: string[];
  status: Grant['status'];
  statusReason: StatusReason | null;
  /** Only where they are needed: opening costs more than all the rest of a fetch from memory. */
  openTokens(): ServedTokens;
  /** Null where the grant is not kept. */
  room: Room | null;
}

/** What a fetch hands out of a token set. The refresh token is not part of it. */
export interface ServedTokens {
  accessToken: string;
  tokenType: string;
  extra: Record<string, unknown>;
}
