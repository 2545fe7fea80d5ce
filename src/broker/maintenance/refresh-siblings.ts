import type { Flow } from '../../domain/connections/connection.ts';
import type { ServableGrant } from '../../domain/grants/credential.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import {
  isDue,
  isDueAhead,
  type RefreshSchedule,
  remainingMs,
  softMarginMs,
} from '../../domain/grants/refresh-policy.ts';
import { isRefreshable } from '../../domain/grants/serving.ts';
import { siblingsAsGrants } from '../../domain/grants/siblings.ts';
import type { RefreshEngine, RefreshRequest } from '../refresh/refresh-grant.ts';
import type { RefreshResult } from '../refresh/refresh-result.ts';

/**
 * Refreshes the second token sets of grants, each by itself: the result of one says nothing about the main token set or
 * another one.
 */
export interface RefreshSiblings {
  /** Refreshes those that the sweep should refresh now. `grant` is the row after its own refresh. */
  due(grant: Grant): Promise<RefreshResult[]>;
  /** Refreshes those that expire soon and live shorter than the time between two sweeps. */
  ahead(grant: Grant): Promise<RefreshResult[]>;
  /** Refreshes all of them at once, also refused ones. The caller has counted the refresh on demand. */
  onDemand(grant: Grant): Promise<RefreshResult[]>;
  /** Starts the refresh of those that expire soon. The reader is served without them if they have expired. */
  behind(grant: ServableGrant, flow: Flow): void;
}

export interface RefreshSiblingsDeps {
  /** Returns the engine of the second token sets with that name. */
  engineOf: (name: string) => RefreshEngine;
  clock: () => Date;
  schedule: RefreshSchedule;
  onBackgroundError: (error: unknown) => void;
}

export function createRefreshSiblings(deps: RefreshSiblingsDeps): RefreshSiblings {
  const { engineOf, clock, schedule, onBackgroundError } = deps;

  function refreshAll(grant: Grant, needs: (sibling: Grant) => boolean, request: RefreshRequest) {
    const chosen = siblingsAsGrants(grant).filter(({ grant: sibling }) => needs(sibling));
    return Promise.all(chosen.map(({ name }) => engineOf(name).refreshGrant(grant.id, request)));
  }

  const isWaiting = (sibling: Grant) => sibling.status === 'failed' || isDue(sibling, schedule, clock());
  const endsSoon = (sibling: Grant) => sibling.metadata !== null && isDueAhead(sibling.metadata, schedule, clock());

  return {
    due: (grant) =>
      refreshAll(grant, (sibling) => mayCall(sibling, clock()) && isWaiting(sibling), {
        onDemand: false,
        inBackground: true,
        isSatisfiedBy: (sibling) => !isWaiting(sibling),
      }),

    ahead: (grant) =>
      refreshAll(grant, (sibling) => mayCall(sibling, clock()) && endsSoon(sibling), {
        onDemand: false,
        inBackground: true,
        isSatisfiedBy: (sibling) => !endsSoon(sibling),
      }),

    onDemand(grant) {
      const startedAt = clock();
      return refreshAll(grant, ({ metadata }) => metadata?.refreshable === true, {
        onDemand: true,
        triesRefused: true,
        isSatisfiedBy: ({ lastRefreshAt }) => lastRefreshAt !== null && lastRefreshAt >= startedAt,
      });
    },

    behind({ id, metadata }, flow) {
      const now = clock();
      for (const [name, sibling] of Object.entries(metadata?.siblings ?? {})) {
        if (!isEnding(sibling, now) || !isRefreshable(sibling, flow) || !mayCall(sibling, now)) continue;
        const engine = engineOf(name);
        if (engine.isRefreshing(id)) continue;
        const isSatisfiedBy = (current: Grant) => !isEnding(current, clock());
        engine.refreshGrant(id, { onDemand: false, inBackground: true, isSatisfiedBy }).catch(onBackgroundError);
      }
    },
  };
}

function mayCall({ status, retryAt, metadata }: Pick<Grant, 'status' | 'retryAt' | 'metadata'>, now: Date) {
  if (metadata?.refreshable !== true) return false;
  return retryAt === null ? status === 'completed' : retryAt <= now;
}

function isEnding({ metadata }: Pick<Grant, 'metadata'>, now: Date): boolean {
  return metadata !== null && remainingMs(metadata, now) < softMarginMs(metadata);
}
