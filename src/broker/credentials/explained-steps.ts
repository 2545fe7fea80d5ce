import type { Caller } from '../../domain/callers/caller.ts';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { BrokerError } from '../../domain/errors.ts';
import type { CredentialMatch, CredentialQuery, ServableGrant } from '../../domain/grants/credential.ts';
import { clockSkewMs } from '../../domain/grants/refresh-policy.ts';
import type { Workflow } from '../../domain/workflows.ts';
import type { CredentialRequest } from './get-credential.ts';
import type { RefreshPreview } from './preview-refresh.ts';

/** Steps of a fetch, in its order. */
export const stepNames = [
  'permission',
  'workflow',
  'name_pattern',
  'connection',
  'grant',
  'scopes',
  'token',
  'refresh',
] as const;
export type StepName = (typeof stepNames)[number];

/**
 * Outcome of a step.
 * - passed: the fetch goes on.
 * - refused: the fetch ends with a refusal.
 * - insufficient: the stored token does not satisfy the request. The next step tells whether a refresh helps.
 * - refresh: the fetch waits for the provider, and its answer depends on the response.
 */
export const stepOutcomes = ['passed', 'refused', 'insufficient', 'refresh'] as const;

export interface ExplainedStep {
  step: StepName;
  outcome: (typeof stepOutcomes)[number];
  /** Sentences for people. They contain no token. */
  detail: string;
}

export function permission({ id }: Caller): string {
  return `The caller ${id} has the permission credentials:read.`;
}

export function workflow({ id }: Workflow): string {
  return `The workflow ${id} is not disabled.`;
}

export function namePattern({ connections }: Caller, name: string): string {
  return connections === null
    ? 'The caller may read credentials of every connection.'
    : `The name patterns of the caller cover ${name}.`;
}

export function absentConnection(organizationId: OrganizationId): string {
  return organizationId === null
    ? 'The request acts for the global scope, in which only global connections are found.'
    : `The organization ${organizationId} has none, and there is no global one.`;
}

export function connection(
  { organizationId: owner, connectionName, flow, provider }: CredentialMatch,
  organizationId: OrganizationId,
  hidesGlobal: boolean,
): string {
  const kind = `Provider ${provider}, flow ${flow}.`;
  if (owner !== null) {
    const hiding = hidesGlobal ? ' It hides the global connection of the same name, whatever its state is.' : '';
    return `The own connection ${connectionName} of the organization ${owner} serves.${hiding} ${kind}`;
  }
  const why = organizationId === null ? '' : `: the organization ${organizationId} has none of that name`;
  return `The global connection ${connectionName} serves${why}. ${kind}`;
}

export function grant(match: CredentialMatch, found: ServableGrant, organizationId: OrganizationId): string {
  const subject = found.subject === null ? 'no subject' : `the subject ${found.subject}`;
  const account = found.accountId === null ? 'no known account' : `the account ${found.accountId}`;
  return `${ownerOf(match, found, organizationId)} serves: grant ${found.id}, ${subject}, ${account}. ${stateOf(found)}`;
}

function ownerOf(match: CredentialMatch, found: ServableGrant, organizationId: OrganizationId): string {
  if (found.organizationId !== null) {
    const hiding = match.organizationId === null && found.subject === null ? ', before any shared one,' : '';
    return `The own grant of the organization ${found.organizationId}${hiding}`;
  }
  return organizationId === null
    ? 'The grant of the global scope'
    : 'The grant that the global connection shares (the organization has no own one)';
}

function stateOf({ status, statusReason, statusMessage, retryAt }: ServableGrant): string {
  const reason = statusReason === null ? '' : ` with the reason ${statusReason}`;
  const message = statusMessage === null ? '' : ` (${statusMessage})`;
  const retry = retryAt === null ? '' : ` The next provider call is allowed at ${retryAt.toISOString()}.`;
  return `Its status is ${status}${reason}${message}.${retry}`;
}

export function noGrant(query: CredentialQuery, { organizationId }: CredentialMatch, isShared: boolean): string {
  if (organizationId !== null || query.organizationId === null) return '';
  const none = 'The organization has no own grant of the global connection that matches.';
  if (query.subject !== null || query.accountId !== null) {
    return query.subject === null ? none : `${none} A shared grant never serves a request that names a subject.`;
  }
  return isShared
    ? `${none} The connection has no shared grant either.`
    : `${none} The connection does not share its grant with organizations.`;
}

export function accounts({ details }: BrokerError<'account_ambiguous'>): string {
  const named = Object.entries(details.account_names).map(([id, name]) => (name === null ? id : `${id} (${name})`));
  return `Accounts: ${named.join(', ')}.`;
}

export function scopes({ metadata }: ServableGrant): string {
  const held = metadata?.scopes ?? [];
  return held.length === 0 ? 'It has no known scope.' : `It has ${held.join(', ')}.`;
}

export function token(found: ServableGrant, { minTtlSeconds }: CredentialRequest, now: Date): string {
  const { sealedTokens, metadata } = found;
  if (sealedTokens === null || metadata === null) return 'No token is stored.';
  const wanted = minTtlSeconds + clockSkewMs / 1000;
  const needs =
    minTtlSeconds === 0
      ? `The request wants ${wanted} s, which allow for clock skew.`
      : `The request wants ${wanted} s: min_ttl and ${clockSkewMs / 1000} s for clock skew.`;
  const rejected = found.reportedVersion === found.version ? ' An API has rejected it.' : '';
  return `${expiry(metadata.expiresAt, now)}${rejected} ${needs}`;
}

function expiry(expiresAt: Date | null, now: Date): string {
  if (expiresAt === null) return 'The expiry of the stored token is not known.';
  const left = Math.floor((expiresAt.getTime() - now.getTime()) / 1000);
  return left < 0
    ? `The stored token has expired at ${expiresAt.toISOString()}.`
    : `The stored token expires at ${expiresAt.toISOString()}, in ${left} s.`;
}

export function noRefresh(startsBehind: boolean, { retryAt }: ServableGrant, now: Date): string {
  if (startsBehind) return 'The stored token is served, and the fetch starts a refresh in the background.';
  const paused = retryAt !== null && retryAt > now;
  return paused
    ? `The stored token is served. The provider is not called before ${retryAt.toISOString()}.`
    : 'The stored token is served. The fetch starts no refresh.';
}

export function expectedRefresh(kind: 'call' | 'under_way'): string {
  const given = 'The answer supposes that it gives a token that lives long enough and has the required scopes.';
  return kind === 'call'
    ? `The fetch refreshes the token at the provider and waits. ${given}`
    : `A refresh of the grant is under way, and the fetch waits for it. ${given}`;
}

export function servedWithout({ heldBack }: Extract<RefreshPreview, { kind: 'result' }>): string {
  return heldBack === null
    ? 'The fetch finds a token that satisfies the request without a provider call.'
    : `${heldBack.message} The stored token still lives and is served.`;
}

/** Tells who must act after a refusal, in words. */
export function refusedRefresh(
  { code, details }: BrokerError,
  preview?: Extract<RefreshPreview, { kind: 'result' }>,
): string {
  const reason =
    'status_reason' in details && details.status_reason !== null ? `Reason: ${details.status_reason}.` : '';
  const wait = 'retry_after' in details ? `The provider may be called again in ${details.retry_after} s.` : '';
  const held = preview?.heldBack?.message ?? '';
  const none = code === 'connection_not_ready' && wait === '' ? 'No call of the provider is tried.' : '';
  return [held, reason, none, wait].filter((part) => part !== '').join(' ');
}
