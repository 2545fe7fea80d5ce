import type { Figure } from '../support/report.ts';

export interface Effort {
  rounds: number;
  roundSeconds: number;
  /** Duration of one steady load. */
  loadSeconds: number;
  /** Time after which a started process counts as idle. */
  settleSeconds: number;
  /** Pause between a load and the measurement of memory. */
  quietSeconds: number;
  /** Grants refreshed once each. */
  refreshes: number;
  /** Grants fetched in turn from the cache. */
  hotGrants: number;
  /** Grants due at one sweep whose provider responds at once. */
  dueGrants: number;
  /** Grants due at one sweep whose provider is slow. */
  slowDueGrants: number;
  sweepRounds: number;
  /** Stored grants among which a sweep finds the due ones. */
  storedGrants: readonly [few: number, many: number];
  cachedGrants: number;
  /** Lines of one long import. */
  importedLines: number;
  /** Connections of one file. */
  declaredConnections: number;
}

/** Independent of the others: starts and ends everything it measures. */
export interface Scenario {
  /** Value of `--only`. */
  name: string;
  title: string;
  run(effort: Effort): Promise<Figure[]>;
}
