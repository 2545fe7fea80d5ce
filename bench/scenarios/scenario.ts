import type { Figure } from '../support/report.ts';

export interface Effort {
  rounds: number;
  roundSeconds: number;
  /** Of one steady load. */
  loadSeconds: number;
  /** Until a process that was just started counts as idle. */
  settleSeconds: number;
  /** Grants that are refreshed once each. */
  refreshes: number;
}

/** Each stands alone: it starts what it measures and ends it. */
export interface Scenario {
  /** As given to `--only`. */
  name: string;
  title: string;
  run(effort: Effort): Promise<Figure[]>;
}
