import type { CallOrder } from '../domain/ports/oauth.ts';
import type { RefreshResult } from './refresh-result.ts';
import { type RefreshDemand, refreshUnderLease, type UnderLeaseDeps } from './refresh-under-lease.ts';

/** Somebody waits for the result where nothing else is said. */
export interface RefreshRequest extends RefreshDemand, Partial<CallOrder> {}

export type RefreshGrant = (grantId: string, request: RefreshRequest) => Promise<RefreshResult>;

export interface RefreshEngine {
  refreshGrant: RefreshGrant;
  /** Whether a refresh of that grant is under way in this process, waiting for another's included. */
  isRefreshing: (grantId: string) => boolean;
  drain: () => Promise<void>;
}

interface Flight {
  result: Promise<RefreshResult>;
  force: boolean;
  order: CallOrder;
}

/**
 * Refreshes one grant, at most once at a time across the cluster: one call in flight per process, one lease per grant in
 * the database. Owns the lease; what the call's answer means is refresh-call's business.
 */
export function createRefreshGrant(deps: UnderLeaseDeps): RefreshEngine {
  const inFlight = new Map<string, Flight>();

  const refreshGrant: RefreshGrant = async (grantId, request) => {
    for (;;) {
      const running = inFlight.get(grantId);
      if (running === undefined) return start(grantId, request);
      // Where its call still waits for a turn it moves ahead.
      if (!request.inBackground) running.order.inBackground = false;
      const result = await running.result;
      if (isAnswerTo(request, result, running)) return result;
    }
  };

  function start(grantId: string, request: RefreshRequest): Promise<RefreshResult> {
    const order = { inBackground: request.inBackground === true };
    const result = refreshUnderLease(deps, grantId, request, order).finally(() => inFlight.delete(grantId));
    inFlight.set(grantId, { result, force: request.force, order });
    return result;
  }

  return {
    refreshGrant,
    isRefreshing: (grantId) => inFlight.has(grantId),
    drain: async () => {
      await Promise.allSettled([...inFlight.values()].map(({ result }) => result));
    },
  };
}

/** A result obtained for someone else counts only if it serves this demand too: their bar may have been lower. */
function isAnswerTo(demand: RefreshDemand, result: RefreshResult, flight: Flight): boolean {
  switch (result.kind) {
    case 'fresh':
      return demand.isSatisfiedBy(result.grant);
    case 'limited':
      return demand.force;
    case 'unavailable':
    case 'failed':
      return flight.force || !demand.force;
    case 'gone':
      return true;
  }
}
