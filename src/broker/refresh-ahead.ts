import type { RefreshGrant } from './refresh-grant.ts';
import type { RefreshResult } from './refresh-result.ts';

/** Replaces the token set of that version shortly before it expires, unless something else has replaced it. */
export type RefreshAheadOfExpiry = (grantId: string, version: number) => Promise<RefreshResult>;

export function createRefreshAhead({ refreshGrant }: { refreshGrant: RefreshGrant }): RefreshAheadOfExpiry {
  return (grantId, version) =>
    refreshGrant(grantId, {
      force: false,
      inBackground: true,
      seenVersion: version,
      isSatisfiedBy: (grant) => grant.version > version,
    });
}
