import pLimit from 'p-limit';
import type { OrganizationId } from '../domain/connections/connection.ts';

/** Places for concurrent refreshes of this process, at most a share of them for one organisation. */
export interface FairPlaces {
  /** Runs `work` once its organisation is below its share and a place is free. */
  run<T>(organizationId: OrganizationId, work: () => Promise<T>): Promise<T>;
  /** Checks whether `run` would wait because the organisation holds its whole share. */
  isAtShare(organizationId: OrganizationId): boolean;
}

/**
 * Share of the places for one organisation. With a larger share, slow calls of a few organisations leave the others
 * without places.
 */
const share = 1 / 4;

/** Calls that wait for the share of their organisation hold no place, so they never delay another organisation. */
export function createFairPlaces(total: number): FairPlaces {
  const places = pLimit(total);
  const ofOne = Math.max(1, Math.floor(total * share));
  const organizations = new Map<OrganizationId, { limit: ReturnType<typeof pLimit>; calls: number }>();

  return {
    async run(organizationId, work) {
      const own = organizations.get(organizationId) ?? { limit: pLimit(ofOne), calls: 0 };
      organizations.set(organizationId, own);
      own.calls += 1;
      try {
        return await own.limit(() => places(work));
      } finally {
        own.calls -= 1;
        if (own.calls === 0) organizations.delete(organizationId);
      }
    },
    isAtShare: (organizationId) => (organizations.get(organizationId)?.calls ?? 0) >= ofOne,
  };
}
