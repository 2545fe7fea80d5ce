import type { Figure } from '../support/report.ts';

export interface Effort {
  rounds: number;
  roundSeconds: number;
  /** Of one steady load. */
  loadSeconds: number;
  /** Until a process that was just started counts as idle. */
  settleSeconds: number;
  /** After a load; a process gives back what only the load needed after half a minute, which a quick run does not wait for. */
  quietSeconds: number;
  /** Grants that are refreshed once each. */
  refreshes: number;
  /** Fetched in turn from the cache. */
  hotGrants: number;
  /** All due at one sweep, whose provider answers at once. */
  dueGrants: number;
  /** The same, where the provider takes its time. */
  slowDueGrants: number;
  sweepRounds: number;
  /** Among which a sweep has to find the due ones: few, and many. */
  storedGrants: readonly [few: number, many: number];
  cachedGrants: number;
}

/** Each stands alone: it starts what it measures and ends it. */
export interface Scenario {
  /** As given to `--only`. */
  name: string;
  title: string;
  run(effort: Effort): Promise<Figure[]>;
}
