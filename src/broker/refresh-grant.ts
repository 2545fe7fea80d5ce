import type { Grant } from '../domain/grant.ts';
import type { GrantSignals, LeasedGrant, RefreshStore } from '../domain/ports/engine.ts';
import { isWorthAsking } from '../domain/serving.ts';
import type { CallProvider } from './refresh-call.ts';
import type { RefreshResult } from './refresh-result.ts';

export interface RefreshDemand {
  /** Judged on the row after the lease was taken: whoever held it before has probably refreshed already. */
  isSatisfiedBy: (grant: Grant) => boolean;
  /** True calls the provider although retry_at lies ahead. */
  force: boolean;
}

export type RefreshGrant = (grantId: string, demand: RefreshDemand) => Promise<RefreshResult>;

export interface RefreshGrantDeps {
  store: RefreshStore;
  signals: GrantSignals;
  callProvider: CallProvider;
  /** Resolves once the grant's row is no longer behind what this process holds for it. */
  settled: (grantId: string) => Promise<void>;
  clock: () => Date;
  /** Unlike any other process's, and unlike this one's earlier incarnation's. */
  instanceId: string;
  newNonce: () => string;
  /** Must exceed the longest a call and its persisting may take: a lease that lapses mid-call lets a second caller spend the same refresh token. */
  leaseMs: number;
}

/** Waiters also look at the row this often, in case the signal was lost. */
const pollMs = 1000;

/**
 * Refreshes one grant, at most once at a time across the cluster: one call in flight per process, one lease per grant in
 * the database. Owns the lease; what the call's answer means is refresh-call's business.
 */
export function createRefreshGrant(deps: RefreshGrantDeps): { refreshGrant: RefreshGrant; drain: () => Promise<void> } {
  const inFlight = new Map<string, Promise<RefreshResult>>();

  const refreshGrant: RefreshGrant = async (grantId, demand) => {
    for (;;) {
      const running = inFlight.get(grantId);
      if (running === undefined) return start(grantId, demand);
      const result = await running;
      // A result obtained for someone else counts only if it serves this demand too: their bar may have been lower.
      if (result.kind !== 'fresh' || demand.isSatisfiedBy(result.grant)) return result;
    }
  };

  function start(grantId: string, demand: RefreshDemand): Promise<RefreshResult> {
    const running = refreshUnderLease(deps, grantId, demand).finally(() => inFlight.delete(grantId));
    inFlight.set(grantId, running);
    return running;
  }

  return {
    refreshGrant,
    drain: async () => {
      await Promise.allSettled(inFlight.values());
    },
  };
}

async function refreshUnderLease(
  deps: RefreshGrantDeps,
  grantId: string,
  demand: RefreshDemand,
): Promise<RefreshResult> {
  const { store, signals, settled, clock, instanceId, newNonce, leaseMs } = deps;
  const owner = `${instanceId}/${newNonce()}`;
  for (;;) {
    await settled(grantId);
    const leased = await store.acquire(grantId, owner, leaseMs);
    if (leased !== undefined) return refreshLeased(deps, leased, owner, demand);
    const current = await store.find(grantId);
    if (current === undefined) return { kind: 'gone' };
    if (demand.isSatisfiedBy(current.grant)) return { kind: 'fresh', grant: current.grant };
    const lapsesInMs = (current.grant.leaseUntil?.getTime() ?? 0) - clock().getTime();
    await signals.next(grantId, Math.min(pollMs, Math.max(lapsesInMs, 50)));
  }
}

async function refreshLeased(
  { store, callProvider, clock }: RefreshGrantDeps,
  leased: LeasedGrant,
  owner: string,
  demand: RefreshDemand,
): Promise<RefreshResult> {
  const early = withoutCalling(leased, demand, clock());
  if (early === undefined) return callProvider(leased, owner);
  await store.release(leased, owner);
  return early;
}

/** What the row under the lease already decides; undefined where the provider has to be asked. */
function withoutCalling(
  { grant, connection }: LeasedGrant,
  demand: RefreshDemand,
  now: Date,
): RefreshResult | undefined {
  if (demand.isSatisfiedBy(grant)) return { kind: 'fresh', grant };
  const { flow } = connection.settings;
  // A client's own credentials can always be tried again on demand; a refresh token that was refused or revoked cannot.
  const mayInsist = demand.force && flow === 'client_credentials';
  if (!mayInsist && !isWorthAsking(grant, flow)) return { kind: 'failed', grant };
  if (!demand.force && grant.retryAt !== null && grant.retryAt > now)
    return { kind: 'unavailable', grant, retryAt: grant.retryAt };
  return undefined;
}
