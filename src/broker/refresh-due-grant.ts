import { isDue, type RefreshSchedule } from '../domain/refresh-policy.ts';
import type { RefreshGrant } from './refresh-grant.ts';
import type { RefreshResult } from './refresh-result.ts';

/** One job of the sweep: refreshes the grant unless something else did since it was queued. */
export type RefreshDueGrant = (grantId: string) => Promise<RefreshResult>;

export interface RefreshDueGrantDeps {
  refreshGrant: RefreshGrant;
  clock: () => Date;
  schedule: RefreshSchedule;
}

export function createRefreshDueGrant({ refreshGrant, clock, schedule }: RefreshDueGrantDeps): RefreshDueGrant {
  return (grantId) =>
    refreshGrant(grantId, {
      force: false,
      isSatisfiedBy: (grant) => grant.status === 'completed' && !isDue(grant, schedule, clock()),
    });
}
