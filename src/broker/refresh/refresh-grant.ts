import type { CallPriority } from '../../domain/ports/oauth.ts';
import type { RefreshDemand } from './refresh-demand.ts';
import type { RefreshResult } from './refresh-result.ts';
import { refreshUnderLease, type UnderLeaseDeps } from './refresh-under-lease.ts';

/** Request for a refresh. Defaults to foreground priority: a caller is waiting for the result. */
export interface RefreshRequest extends RefreshDemand, Partial<CallPriority> {}

export type RefreshGrant = (grantId: string, request: RefreshRequest) => Promise<RefreshResult>;

export interface RefreshEngine {
  refreshGrant: RefreshGrant;
  /** Checks whether this process refreshes that grant, or waits for another process's refresh of it. */
  isRefreshing: (grantId: string) => boolean;
  /** Resolves when the refreshes that are under way have ended. */
  drain: () => Promise<void>;
}

interface Flight {
  result: Promise<RefreshResult>;
  onDemand: boolean;
  triesRefused: boolean;
  priority: CallPriority;
}

/**
 * Refreshes one grant, at most once at a time across the cluster. Callers in one process share one refresh; a lease in
 * the database excludes other processes. refresh-call.ts interprets the provider's response.
 */
export function createRefreshGrant(deps: UnderLeaseDeps): RefreshEngine {
  const inFlight = new Map<string, Flight>();

  const refreshGrant: RefreshGrant = async (grantId, request) => {
    for (;;) {
      const running = inFlight.get(grantId);
      if (running === undefined) return start(grantId, request);
      // A call that still waits for its turn moves ahead.
      if (!request.inBackground) running.priority.inBackground = false;
      const result = await running.result;
      if (isValidFor(request, result, running)) return result;
    }
  };

  function start(grantId: string, request: RefreshRequest): Promise<RefreshResult> {
    const priority = { inBackground: request.inBackground === true };
    const result = refreshUnderLease(deps, grantId, request, priority).finally(() => inFlight.delete(grantId));
    const { onDemand, triesRefused = false } = request;
    inFlight.set(grantId, { result, onDemand, triesRefused, priority });
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

/** Checks whether a shared result is valid for this demand. The demand that started the refresh may have been lower. */
function isValidFor(demand: RefreshDemand, result: RefreshResult, flight: Flight): boolean {
  switch (result.kind) {
    case 'fresh':
      return demand.isSatisfiedBy(result.grant);
    case 'limited':
      return demand.onDemand;
    case 'unavailable':
    case 'failed':
      return (flight.onDemand || !demand.onDemand) && (flight.triesRefused || demand.triesRefused !== true);
    case 'gone':
      return true;
  }
}
