import type { Grant } from '../../domain/grants/grant.ts';
import { isDue, type RefreshSchedule } from '../../domain/grants/refresh-policy.ts';
import type { RefreshOutcome } from '../../domain/ports/maintenance/sweeps.ts';
import type { RefreshGrant } from '../refresh/refresh-grant.ts';
import type { RefreshResult } from '../refresh/refresh-result.ts';
import type { RefreshSiblings } from './refresh-siblings.ts';
import type { SweepStatistics } from './sweep-statistics.ts';

/**
 * Runs one job of the sweep: refreshes the grant unless it was refreshed since it was queued, then its second token sets.
 * Returns the result of the grant itself.
 */
export type RefreshDueGrant = (grantId: string, sweepId: string | null) => Promise<RefreshResult>;

export interface RefreshDueGrantDeps {
  refreshGrant: RefreshGrant;
  refreshSiblings: Pick<RefreshSiblings, 'due'>;
  statistics: Pick<SweepStatistics, 'note'>;
  clock: () => Date;
  schedule: RefreshSchedule;
}

export function createRefreshDueGrant(deps: RefreshDueGrantDeps): RefreshDueGrant {
  const { refreshGrant, refreshSiblings, statistics, clock, schedule } = deps;
  return async (grantId, sweepId) => {
    let seen: { grant: Grant; satisfied: boolean } | undefined;
    let outcome: RefreshOutcome = 'failed';
    try {
      const result = await refreshGrant(grantId, {
        onDemand: false,
        inBackground: true,
        isSatisfiedBy: (grant) => {
          const satisfied = grant.status === 'completed' && !isDue(grant, schedule, clock());
          seen = { grant, satisfied };
          return satisfied;
        },
      });
      outcome = outcomeOf(result, seen);
      const siblings = 'grant' in result ? await refreshSiblings.due(result.grant) : [];
      outcome = siblings.map(outcomeOfSibling).reduce(graver, outcome);
      return result;
    } finally {
      if (sweepId !== null) statistics.note(sweepId, outcome);
    }
  };
}

/**
 * Computes the outcome for the statistics. `seen` is the row under the lease, before any provider call. A call that was
 * not made counts no failure.
 */
function outcomeOf(result: RefreshResult, seen: { grant: Grant; satisfied: boolean } | undefined): RefreshOutcome {
  if (result.kind === 'gone' || seen === undefined || seen.satisfied) return 'skipped';
  if (result.kind === 'fresh') return 'refreshed';
  if (result.kind === 'limited') return 'skipped';
  return result.grant.consecutiveFailures === seen.grant.consecutiveFailures ? 'skipped' : 'failed';
}

/** A second token set is called for only if it is due, so every result is that of a call or of one held back. */
function outcomeOfSibling(result: RefreshResult): RefreshOutcome {
  if (result.kind === 'fresh') return 'refreshed';
  return result.kind === 'failed' || result.kind === 'unavailable' ? 'failed' : 'skipped';
}

/** One grant counts once: as failed if any of its token sets failed, else as refreshed if any was refreshed. */
function graver(one: RefreshOutcome, other: RefreshOutcome): RefreshOutcome {
  if (one === 'failed' || other === 'failed') return 'failed';
  return one === 'refreshed' || other === 'refreshed' ? 'refreshed' : 'skipped';
}
