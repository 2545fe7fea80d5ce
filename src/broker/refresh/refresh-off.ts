import type { RefreshStore } from '../../domain/ports/engine.ts';
import { refreshIsOff } from '../refresh-is-off.ts';
import type { RefreshEngine } from './refresh-grant.ts';

/**
 * Stands for the refresh engine with REFRESH_MODE=off. Neither takes leases nor records failures: the row stays as it
 * was restored. Returns a grant that satisfies the demand, and refuses every other demand.
 */
export function createRefreshOff(store: Pick<RefreshStore, 'find'>): RefreshEngine {
  return {
    refreshGrant: async (grantId, demand) => {
      const grant = (await store.find(grantId))?.grant;
      if (grant === undefined) return { kind: 'gone' };
      if (demand.isSatisfiedBy(grant)) return { kind: 'fresh', grant };
      throw refreshIsOff(grant);
    },
    isRefreshing: () => false,
    drain: async () => {},
  };
}
