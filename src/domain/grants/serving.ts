import type { Flow } from '../connections/connection.ts';
import type { NextAction } from '../next-action.ts';
import type { ServableGrant } from './credential.ts';
import { type GrantStatus, longerLifetime, type StatusReason } from './grant.ts';
import { clockSkewMs, remainingMs, softMarginMs } from './refresh-policy.ts';

/** Decision of a fetch about the grant it found. */
export type Serving =
  | { kind: 'serve'; refreshBehind: boolean }
  /** The stored token does not satisfy the request, and the provider may be called. */
  | { kind: 'refresh' }
  /** The request needs a provider call, which is not allowed before retryAt. */
  | { kind: 'too_early'; retryAt: Date }
  /** Longer than any token of the grant lives. `lifetimeSeconds` is the longest known lifetime. */
  | { kind: 'unsatisfiable'; lifetimeSeconds: number | null }
  | ({ kind: 'not_ready' } & NotReady);

/** State of a grant that cannot be served. */
export interface NotReady {
  status: GrantStatus;
  reason: StatusReason | null;
  message: string | null;
  /** Time of the next try by the broker itself; null if there is none. */
  retryAt: Date | null;
  /** Who must act after the failed authorization that the status comes from; null or absent if it comes from elsewhere. */
  afterAuthorization?: NextAction | null;
}

export interface Demand {
  minTtlSeconds: number;
  /** Lifetime that the provider's template states; null if it states none. */
  templateLifetimeSeconds: number | null;
  now: Date;
  /** False after a provider call: the decision uses the stored token as it is. */
  mayCallProvider: boolean;
}

/**
 * Decides how to serve a grant. A live token is never withheld because the provider is down. An expired token is never
 * served. A failed grant's token is served until it expires or is dropped (revocation, changed configuration).
 */
export function decideServing(grant: ServableGrant, flow: Flow, demand: Demand): Serving {
  const { minTtlSeconds, now } = demand;
  const left = servableMs(grant, now);
  const wanted = minTtlSeconds * 1000 + clockSkewMs;
  if (left === Number.POSITIVE_INFINITY && minTtlSeconds > 0) return unsatisfiable(grant, demand);
  if (left >= wanted) return { kind: 'serve', refreshBehind: isDueSoon(grant, flow, left, demand) };

  const isLive = left > 0;
  if (isLive && minTtlSeconds === 0 && !canBeRefreshed(grant, flow, demand)) {
    return { kind: 'serve', refreshBehind: false };
  }
  if (!isRefreshable(grant, flow)) {
    return isLive && grant.status === 'completed' ? unsatisfiable(grant, demand) : notReady(grant);
  }
  // An expired token is always worth a call: the next one may live longer than every earlier one.
  if (isLive && minTtlSeconds > 0 && exceedsEveryLifetime(wanted, grant, demand)) return unsatisfiable(grant, demand);
  // The provider was just called and gave a token that lives shorter than an earlier one. A later call may do better.
  if (!demand.mayCallProvider) return grant.status === 'completed' ? { kind: 'refresh' } : notReady(grant);
  if (grant.retryAt !== null && grant.retryAt > now) {
    if (isLive && minTtlSeconds === 0) return { kind: 'serve', refreshBehind: false };
    return grant.status === 'failed' ? notReady(grant) : { kind: 'too_early', retryAt: grant.retryAt };
  }
  return { kind: 'refresh' };
}

/**
 * Milliseconds for which the stored access token may still be served; 0 if there is none. A token that the provider's
 * API rejected counts as expired once its refresh has failed for good.
 */
export function servableMs(grant: ServableGrant, now: Date): number {
  if (grant.sealedTokens === null || grant.metadata === null || isWithheld(grant)) return 0;
  return remainingMs(grant.metadata, now);
}

/** Checks whether the stored token was reported as rejected and no refresh replaced it. */
function isWithheld({ reportedVersion, version, status, metadata }: ServableGrant): boolean {
  return reportedVersion === version && (status !== 'completed' || metadata?.refreshable !== true);
}

/** Checks whether a refresh may succeed. A failed grant is called for again only if it has a retry date. */
export function isRefreshable(grant: Pick<ServableGrant, 'status' | 'retryAt' | 'metadata'>, flow: Flow): boolean {
  const hasMeans = flow === 'client_credentials' || grant.metadata?.refreshable === true;
  return hasMeans && (grant.status === 'completed' || (grant.status === 'failed' && grant.retryAt !== null));
}

function canBeRefreshed(grant: ServableGrant, flow: Flow, demand: Demand): boolean {
  return demand.mayCallProvider && isRefreshable(grant, flow);
}

function isDueSoon(grant: ServableGrant, flow: Flow, left: number, demand: Demand): boolean {
  if (grant.metadata === null || left >= softMarginMs(grant.metadata)) return false;
  return canBeRefreshed(grant, flow, demand) && (grant.retryAt === null || grant.retryAt <= demand.now);
}

/** Past lifetimes are no promise, but a longer one than all of them is not expected. An unknown one may be any. */
function exceedsEveryLifetime(wantedMs: number, grant: ServableGrant, demand: Demand): boolean {
  const longest = longestLifetime(grant, demand);
  return longest !== null && wantedMs > longest * 1000;
}

function longestLifetime({ longestLifetimeSeconds }: ServableGrant, demand: Demand): number | null {
  return longerLifetime(longestLifetimeSeconds, demand.templateLifetimeSeconds);
}

function unsatisfiable(grant: ServableGrant, demand: Demand): Serving {
  return { kind: 'unsatisfiable', lifetimeSeconds: longestLifetime(grant, demand) };
}

function notReady(grant: ServableGrant): Serving {
  if (grant.status === 'completed') {
    const event = isWithheld(grant) ? 'was rejected' : 'has expired';
    const message = `The access token ${event} and there is nothing to refresh it with.`;
    return { kind: 'not_ready', status: 'failed', reason: 'token_expired', message, retryAt: null };
  }
  const { status, statusReason: reason, statusMessage: message, retryAt } = grant;
  return { kind: 'not_ready', status, reason, message, retryAt };
}
