import type { Flow } from './connection.ts';
import type { ServableGrant } from './credential.ts';
import type { GrantStatus, StatusReason } from './grant.ts';
import { clockSkewMs, remainingMs, softMarginMs } from './refresh-policy.ts';

/** What a fetch does with the grant it found. */
export type Serving =
  | { kind: 'serve'; refreshBehind: boolean }
  /** Nothing good enough to serve, and the provider may be asked. */
  | { kind: 'refresh' }
  /** The provider would have to be asked, and may not be before then. */
  | { kind: 'too_early'; retryAt: Date }
  | { kind: 'unsatisfiable'; lifetimeSeconds: number | null }
  | { kind: 'not_ready'; status: GrantStatus; reason: StatusReason | null; message: string | null };

export interface Demand {
  minTtlSeconds: number;
  now: Date;
  /** False once the provider was asked: what there is now must do. */
  mayAsk: boolean;
}

/**
 * A live token is never withheld because the provider is down, and an expired one never handed out. A failed grant's
 * token is served while it lives; dropping it (revocation, changed configuration) is what ends that.
 */
export function decideServing(grant: ServableGrant, flow: Flow, demand: Demand): Serving {
  const { minTtlSeconds, now } = demand;
  const left = grant.sealedTokens === null || grant.facts === null ? 0 : remainingMs(grant.facts, now);
  const wanted = minTtlSeconds * 1000 + clockSkewMs;
  if (left === Number.POSITIVE_INFINITY && minTtlSeconds > 0) return unsatisfiable(grant);
  if (left >= wanted) return { kind: 'serve', refreshBehind: isDueSoon(grant, flow, left, demand) };

  const alive = left > 0;
  if (!canBeRefreshed(grant, flow, demand)) {
    if (alive && minTtlSeconds === 0) return { kind: 'serve', refreshBehind: false };
    return alive && grant.status === 'completed' ? unsatisfiable(grant) : notReady(grant);
  }
  const lifetimeSeconds = grant.facts?.lifetimeSeconds ?? null;
  if (minTtlSeconds > 0 && lifetimeSeconds !== null && wanted > lifetimeSeconds * 1000) return unsatisfiable(grant);
  if (grant.retryAt !== null && grant.retryAt > now) {
    if (alive && minTtlSeconds === 0) return { kind: 'serve', refreshBehind: false };
    return grant.status === 'failed' ? notReady(grant) : { kind: 'too_early', retryAt: grant.retryAt };
  }
  return { kind: 'refresh' };
}

/** A failed grant is worth another call only where a date for one was set. */
export function isWorthAsking(grant: Pick<ServableGrant, 'status' | 'retryAt' | 'facts'>, flow: Flow): boolean {
  const hasMeans = flow === 'client_credentials' || grant.facts?.refreshable === true;
  return hasMeans && (grant.status === 'completed' || (grant.status === 'failed' && grant.retryAt !== null));
}

function canBeRefreshed(grant: ServableGrant, flow: Flow, demand: Demand): boolean {
  return demand.mayAsk && isWorthAsking(grant, flow);
}

function isDueSoon(grant: ServableGrant, flow: Flow, left: number, demand: Demand): boolean {
  if (grant.facts === null || left >= softMarginMs(grant.facts)) return false;
  return canBeRefreshed(grant, flow, demand) && (grant.retryAt === null || grant.retryAt <= demand.now);
}

function unsatisfiable(grant: ServableGrant): Serving {
  return { kind: 'unsatisfiable', lifetimeSeconds: grant.facts?.lifetimeSeconds ?? null };
}

function notReady(grant: ServableGrant): Serving {
  if (grant.status === 'completed') {
    return {
      kind: 'not_ready',
      status: 'failed',
      reason: 'token_expired',
      message: 'The access token has expired and there is nothing to refresh it with.',
    };
  }
  return { kind: 'not_ready', status: grant.status, reason: grant.statusReason, message: grant.statusMessage };
}
