import type { Flow, OrganizationId } from '../domain/connection.ts';
import type { CredentialMatch, ServableGrant } from '../domain/credential.ts';
import type { StatusReason, StoredGrantStatus, TokenFacts } from '../domain/grant.ts';
import { ownBytes } from './own-bytes.ts';

type Instant = number | null;

type PackedFacts = [
  expiresAt: Instant,
  refreshExpiresAt: Instant,
  obtainedAt: Instant,
  lifetimeSeconds: number | null,
  refreshable: boolean,
  scopes: string[],
];

type PackedGrant = [
  id: string,
  organizationId: OrganizationId,
  subject: string | null,
  accountId: string | null,
  status: StoredGrantStatus,
  statusReason: StatusReason | null,
  statusMessage: string | null,
  sealedTokens: string | null,
  facts: PackedFacts | null,
  version: number,
  retryAt: Instant,
  refreshStartedAt: Instant,
];

type PackedMatch = [
  connectionId: string,
  connectionName: string,
  organizationId: OrganizationId,
  flow: Flow,
  grants: PackedGrant[],
];

/** A match as one string: a fraction of the memory of the objects it is made of, and one thing for the collector to look at. */
export function packMatch(match: CredentialMatch): string {
  const { connectionId, connectionName, organizationId, flow, grants } = match;
  return JSON.stringify([
    connectionId,
    connectionName,
    organizationId,
    flow,
    grants.map(packGrant),
  ] satisfies PackedMatch);
}

/** Where it is going to be kept, each grant with room for its token as it is served. */
export function unpackMatch(packed: string, isKept: boolean): CredentialMatch {
  const [connectionId, connectionName, organizationId, flow, grants] = JSON.parse(packed) as PackedMatch;
  return {
    connectionId,
    connectionName,
    organizationId,
    flow,
    grants: grants.map((grant) => ({ ...unpackGrant(connectionId, grant, isKept), ...(isKept && { room: {} }) })),
  };
}

function packGrant(grant: ServableGrant): PackedGrant {
  const { sealedTokens, facts } = grant;
  return [
    grant.id,
    grant.organizationId,
    grant.subject,
    grant.accountId,
    grant.status,
    grant.statusReason,
    grant.statusMessage,
    sealedTokens && Buffer.from(sealedTokens).toString('base64'),
    facts && packFacts(facts),
    grant.version,
    instant(grant.retryAt),
    instant(grant.refreshStartedAt),
  ];
}

function unpackGrant(connectionId: string, packed: PackedGrant, isKept: boolean): ServableGrant {
  const [id, organizationId, subject, accountId, status, statusReason, statusMessage, sealed, facts, version] = packed;
  const [retryAt, refreshStartedAt] = packed.slice(10) as [Instant, Instant];
  return {
    id,
    connectionId,
    organizationId,
    subject,
    accountId,
    status,
    statusReason,
    statusMessage,
    sealedTokens: sealed === null ? null : unpackBytes(sealed, isKept),
    facts: facts && unpackFacts(facts),
    version,
    retryAt: date(retryAt),
    refreshStartedAt: date(refreshStartedAt),
  };
}

function unpackBytes(base64: string, isKept: boolean): Uint8Array {
  const bytes = Buffer.from(base64, 'base64');
  return isKept ? ownBytes(bytes) : bytes;
}

function packFacts(facts: TokenFacts): PackedFacts {
  const { expiresAt, refreshExpiresAt, obtainedAt, lifetimeSeconds, refreshable, scopes } = facts;
  return [instant(expiresAt), instant(refreshExpiresAt), instant(obtainedAt), lifetimeSeconds, refreshable, scopes];
}

function unpackFacts([expiresAt, refreshExpiresAt, obtainedAt, ...rest]: PackedFacts): TokenFacts {
  const [lifetimeSeconds, refreshable, scopes] = rest;
  return {
    expiresAt: date(expiresAt),
    refreshExpiresAt: date(refreshExpiresAt),
    obtainedAt: date(obtainedAt),
    lifetimeSeconds,
    refreshable,
    scopes,
  };
}

function instant(at: Date | null): Instant {
  return at === null ? null : at.getTime();
}

function date(at: Instant): Date | null {
  return at === null ? null : new Date(at);
}
