import { isRefusedToken } from '../../domain/grants/failure-policy.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import { isRefreshable } from '../../domain/grants/serving.ts';
import type { GrantWithConnection, LeasedGrant, RefreshStore } from '../../domain/ports/engine.ts';
import type { CallPriority } from '../../domain/ports/oauth.ts';
import { onDemandLimit } from './on-demand-limit.ts';
import type { RefreshDemand } from './refresh-demand.ts';
import { type RefreshResult, resultWithoutSuccess } from './refresh-result.ts';

export interface WithoutCallDeps {
  store: Pick<RefreshStore, 'countOnDemand' | 'takeClientProbe' | 'liftClientPause'>;
  clock: () => Date;
  leaseMs: number;
}

/**
 * Returns the result of a refresh that the provider need not or must not be called for; undefined if it must be called.
 * Runs under the lease. `failuresBefore`: the grant's failures when the wait for another process began.
 */
export async function resultWithoutCall(
  deps: WithoutCallDeps,
  leased: LeasedGrant,
  demand: RefreshDemand,
  priority: CallPriority,
  failuresBefore: number | undefined,
): Promise<RefreshResult | undefined> {
  const now = deps.clock();
  return (
    withoutCalling(leased, demand, now) ??
    sharedFailure(leased.grant, failuresBefore, now) ??
    (demand.onDemand ? await overLimit(deps.store, leased) : undefined) ??
    (leased.clientPaused ? await whileClientPaused(deps, leased, demand, priority) : undefined)
  );
}

/** Shares the other process's failure if it released the lease between the read of the row and its acquisition. */
function sharedFailure(grant: Grant, failuresBefore: number | undefined, now: Date): RefreshResult | undefined {
  const hasFailed = failuresBefore !== undefined && grant.consecutiveFailures > failuresBefore;
  return hasFailed ? resultWithoutSuccess(grant, now) : undefined;
}

/** Counts the next provider call on demand. Returns undefined if it is allowed. */
async function overLimit(
  store: Pick<RefreshStore, 'countOnDemand'>,
  { grant }: LeasedGrant,
): Promise<RefreshResult | undefined> {
  const retryAfterMs = await store.countOnDemand(grant.id, onDemandLimit);
  return retryAfterMs === undefined ? undefined : { kind: 'limited', retryAfterMs };
}

/**
 * Holds a background call back while the connection's client is refused, except for one call that tests it. A refresh on
 * demand ends the pause. A call that a reader waits for is made: its own retry date bounds it.
 */
async function whileClientPaused(
  { store, clock, leaseMs }: WithoutCallDeps,
  { grant, connection }: LeasedGrant,
  demand: RefreshDemand,
  priority: CallPriority,
): Promise<RefreshResult | undefined> {
  if (demand.onDemand) {
    await store.liftClientPause(connection.id);
    return undefined;
  }
  const pausedUntil = priority.inBackground ? await store.takeClientProbe(connection.id, leaseMs) : undefined;
  if (pausedUntil === undefined) return undefined;
  const result = resultWithoutSuccess(grant, clock());
  return result.kind === 'unavailable' ? { ...result, retryAt: pausedUntil } : result;
}

/** Decides from the row. Returns undefined if the provider must be called. */
export function withoutCalling(
  { grant, connection }: GrantWithConnection,
  demand: RefreshDemand,
  now: Date,
): RefreshResult | undefined {
  if (demand.isSatisfiedBy(grant)) return { kind: 'fresh', grant };
  const { flow } = connection.settings;
  const isRefused = isRefusedToken(grant);
  if (isRefused && demand.triesRefused === true && grant.metadata?.refreshable === true) return undefined;
  // Client credentials can always be tried again on demand. A refused or revoked refresh token cannot.
  const mayAlwaysRetry = demand.onDemand && flow === 'client_credentials';
  if (!mayAlwaysRetry && !isRefreshable(grant, flow)) return { kind: 'failed', grant };
  const ignoresRetryAt = demand.onDemand && !(isRefused && flow !== 'client_credentials');
  if (!ignoresRetryAt && grant.retryAt !== null && grant.retryAt > now) {
    return isRefused ? { kind: 'failed', grant } : { kind: 'unavailable', grant, retryAt: grant.retryAt };
  }
  return undefined;
}
