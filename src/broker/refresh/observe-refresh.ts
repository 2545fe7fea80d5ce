import type { OnRefreshEnd, RefreshEnd } from '../../domain/ports/monitoring/observations.ts';
import type { CallProvider } from './refresh-call.ts';
import type { RefreshResult } from './refresh-result.ts';

export interface ObserveRefreshDeps {
  onRefreshEnd: OnRefreshEnd;
  clock: () => Date;
}

/** Reports each refresh under a lease when it ends, with its result as `callProvider` returns it. */
export function observeRefreshes(
  callProvider: CallProvider,
  { onRefreshEnd, clock }: ObserveRefreshDeps,
): CallProvider {
  return async (leased, owner, priority) => {
    const startedAt = clock();
    const { provider } = leased.connection.settings;
    const report = (end: Pick<RefreshEnd, 'result' | 'reason'>) =>
      onRefreshEnd({ ...end, provider, seconds: Math.max(0, clock().getTime() - startedAt.getTime()) / 1000 });
    let result: RefreshResult;
    try {
      result = await callProvider(leased, owner, priority);
    } catch (error) {
      report({ result: 'error', reason: null });
      throw error;
    }
    report(endOf(result, startedAt));
    return result;
  };
}

function endOf(result: RefreshResult, startedAt: Date): Pick<RefreshEnd, 'result' | 'reason'> {
  switch (result.kind) {
    case 'fresh':
      return { result: 'refreshed', reason: null };
    case 'failed':
      return { result: 'failed', reason: result.grant.statusReason };
    case 'unavailable': {
      // An earlier error is not of this call: the call was held back and left the grant as it was.
      const { lastError } = result.grant;
      return lastError !== null && lastError.at >= startedAt
        ? { result: 'temporary_failure', reason: lastError.class }
        : { result: 'held_back', reason: null };
    }
    case 'limited':
      return { result: 'held_back', reason: null };
    case 'gone':
      return { result: 'gone', reason: null };
  }
}
