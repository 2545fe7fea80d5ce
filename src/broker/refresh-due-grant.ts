import type { Grant } from '../domain/grant.ts';
import type { RefreshOutcome } from '../domain/ports/upkeep.ts';
import { isDue, type RefreshSchedule } from '../domain/refresh-policy.ts';
import type { RefreshGrant } from './refresh-grant.ts';
import type { RefreshResult } from './refresh-result.ts';
import type { TallySweeps } from './tally-sweeps.ts';

/** One job of the sweep: refreshes the grant unless something else did since it was queued. */
export type RefreshDueGrant = (grantId: string, sweepId: string | null) => Promise<RefreshResult>;

export interface RefreshDueGrantDeps {
  refreshGrant: RefreshGrant;
  tally: Pick<TallySweeps, 'note'>;
  clock: () => Date;
  schedule: RefreshSchedule;
}

export function createRefreshDueGrant(deps: RefreshDueGrantDeps): RefreshDueGrant {
  const { refreshGrant, tally, clock, schedule } = deps;
  return async (grantId, sweepId) => {
    let seen: { grant: Grant; satisfied: boolean } | undefined;
    let outcome: RefreshOutcome = 'failed';
    try {
      const result = await refreshGrant(grantId, {
        force: false,
        inBackground: true,
        isSatisfiedBy: (grant) => {
          const satisfied = grant.status === 'completed' && !isDue(grant, schedule, clock());
          seen = { grant, satisfied };
          return satisfied;
        },
      });
      outcome = outcomeOf(result, seen, clock());
      return result;
    } finally {
      if (sweepId !== null) tally.note(sweepId, outcome);
    }
  };
}

/** `seen` is the row as it was judged last, before the provider was called, if it was. */
function outcomeOf(
  result: RefreshResult,
  seen: { grant: Grant; satisfied: boolean } | undefined,
  now: Date,
): RefreshOutcome {
  if (result.kind === 'gone' || seen === undefined || seen.satisfied) return 'skipped';
  if (result.kind === 'fresh') return 'refreshed';
  const { status, retryAt } = seen.grant;
  const wasNotAsked = retryAt === null ? status !== 'completed' : retryAt > now;
  return wasNotAsked ? 'skipped' : 'failed';
}
