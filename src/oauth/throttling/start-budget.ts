import type { OrganizationId } from '../../domain/connections/connection.ts';
import { shareOf } from './fair-share.ts';

/** Requests of the last minute to one endpoint, shared by organisations. */
export interface StartBudget {
  /** Returns the earliest time at which the limit allows a request of the organisation; in the past if it does now. */
  earliestStart(perMinute: number | null, organizationId: OrganizationId, anotherWaits: boolean): number;
  /** Counts a request that starts now. */
  count(organizationId: OrganizationId): void;
}

const minuteMs = 60_000;

export function createStartBudget(elapsedMs: () => number): StartBudget {
  /** Starts of the last minute, in ascending order. */
  const starts: { at: number; organizationId: OrganizationId }[] = [];

  function earliest(all: readonly { at: number }[], limit: number): number {
    return (all.at(-limit)?.at ?? Number.NEGATIVE_INFINITY) + minuteMs;
  }

  return {
    earliestStart(perMinute, organizationId, anotherWaits) {
      if (perMinute === null) return Number.NEGATIVE_INFINITY;
      while ((starts[0]?.at ?? Number.POSITIVE_INFINITY) <= elapsedMs() - minuteMs) starts.shift();
      const own = starts.filter((start) => start.organizationId === organizationId);
      return Math.max(earliest(starts, perMinute), earliest(own, shareOf(perMinute, anotherWaits)));
    },
    count: (organizationId) => {
      starts.push({ at: elapsedMs(), organizationId });
    },
  };
}
