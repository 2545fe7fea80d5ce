import { isDueAhead, type RefreshSchedule } from '../../domain/grants/refresh-policy.ts';
import type { RefreshGrant } from '../refresh/refresh-grant.ts';
import type { RefreshResult } from '../refresh/refresh-result.ts';
import type { RefreshSiblings } from './refresh-siblings.ts';

/**
 * Refreshes a grant shortly before a token of it expires, unless the token set of that version was already replaced.
 * Returns the result of the grant itself.
 */
export type RefreshAheadOfExpiry = (grantId: string, version: number) => Promise<RefreshResult>;

export interface RefreshAheadDeps {
  refreshGrant: RefreshGrant;
  refreshSiblings: Pick<RefreshSiblings, 'ahead'>;
  clock: () => Date;
  schedule: RefreshSchedule;
}

export function createRefreshAhead(deps: RefreshAheadDeps): RefreshAheadOfExpiry {
  const { refreshGrant, refreshSiblings, clock, schedule } = deps;
  return async (grantId, version) => {
    const result = await refreshGrant(grantId, {
      onDemand: false,
      inBackground: true,
      seenVersion: version,
      // With several token sets, the job may have been queued for another one than the main one.
      isSatisfiedBy: ({ version: current, metadata }) =>
        current > version || (metadata?.siblings !== undefined && !isDueAhead(metadata, schedule, clock())),
    });
    if ('grant' in result) await refreshSiblings.ahead(result.grant);
    return result;
  };
}
