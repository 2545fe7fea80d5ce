import type { GrantLane, SweepCursor } from './lanes.ts';

/**
 * Parts of a sweep, in this order: expiring grants (urgent ones first), refresh tokens that expire, failed grants whose
 * retry date has come, refresh tokens that would expire unused, tokens whose lifetime a refresh may tell, and second token
 * sets. A grant with a second token set may be in two parts.
 */
export const sweepParts = ['expiring', 'ending', 'retrying', 'idle', 'untried', 'siblings'] as const;

export type SweepPart = (typeof sweepParts)[number];

export interface DueQuery {
  part: SweepPart;
  now: Date;
  intervalMs: number;
  windowMs: number;
  after: SweepCursor | null;
  limit: number;
}

export interface DueLane extends GrantLane {
  /** Whether its grants expire before the next sweep reaches them. */
  urgent: boolean;
}

/** Outcomes of the refreshes of a sweep. `skipped`: nothing was left to do, or the provider may not be called yet. */
export const refreshOutcomes = ['refreshed', 'failed', 'skipped'] as const;

export type RefreshOutcome = (typeof refreshOutcomes)[number];

export type SweepCounts = Record<RefreshOutcome, number>;

/** One sweep and its progress. Outcomes are counted as refreshes end, which may be long after the sweep itself. */
export interface SweepStatus extends SweepCounts {
  id: string;
  startedAt: Date;
  /** Null while the sweep runs, and permanently if it broke off. */
  finishedAt: Date | null;
  isRunning: boolean;
  found: number;
  enqueued: number;
}

export interface SweepProgress {
  found: number;
  enqueued: number;
}

/** Finds due grants and decides which process sweeps. Sweep times use the database's clock. */
export interface SweepStore {
  /** Adds a page of grants due at `now` to the list of the sweep, in order of their dates, by keyset. */
  collect(id: string, query: DueQuery): Promise<{ found: number; next: SweepCursor | null }>;
  /** Returns the lanes of the grants that the sweep has listed. */
  lanes(id: string): Promise<DueLane[]>;
  /** Returns the next listed grants of a lane. `after` and `next` are positions in the list. */
  due(
    id: string,
    lane: DueLane,
    page: { after: string | null; limit: number },
  ): Promise<{ grantIds: string[]; next: string | null }>;
  /**
   * Begins a sweep. Of several processes that call this at once, one receives `begun`. `running`: another sweep is
   * active. `done`: a sweep that began less than `pauseMs` ago has finished. A sweep without recent progress counts as
   * broken off.
   */
  begin(id: string, pauseMs: number): Promise<'begun' | 'running' | 'done'>;
  /** Records that the sweep is active, and its progress. */
  progress(id: string, progress: SweepProgress): Promise<void>;
  /** Also deletes the list of the sweep, as `giveUp` does. */
  finish(id: string, progress: SweepProgress): Promise<void>;
  /** Marks the sweep as broken off. Another may begin at once. */
  giveUp(id: string): Promise<void>;
  /** Adds outcomes to a sweep, finished or not. */
  count(id: string, statistics: SweepCounts): Promise<void>;
  /** Returns the sweep that began last; null before the first. */
  last(): Promise<SweepStatus | null>;
  /** Returns the sweeps that began last, newest first. */
  list(limit: number): Promise<SweepStatus[]>;
}
