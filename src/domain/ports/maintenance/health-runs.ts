import type { Reach } from '../../callers/caller.ts';
import type { Connection } from '../../connections/connection.ts';
import type { CheckableGrant, HealthRecord, ReplacedHealth } from './health.ts';
import type { GrantLane, SweepCursor } from './lanes.ts';

/** One check of all grants, and its progress. */
export interface HealthRun {
  id: string;
  requestedAt: Date;
  /** Null until a worker begins. */
  startedAt: Date | null;
  finishedAt: Date | null;
  /** Whether a process checks at present. An unfinished run that does not run waits for a worker. */
  isRunning: boolean;
  /** Grants when the run began. Null until then. */
  total: number | null;
  healthy: number;
  unhealthy: number;
  /** Grants whose check had no result. */
  skipped: number;
}

/** A run as one process has claimed it. */
export interface ClaimedRun {
  id: string;
  claim: string;
}

/** Grants of one lane that a run has still to check, behind `after`. */
export interface HealthLane extends GrantLane {
  turn: number;
  after: SweepCursor | null;
}

export interface HealthTurn {
  /** Place behind the grants of the turn; null if they are the last ones of the lane. */
  next: SweepCursor | null;
  records: readonly HealthRecord[];
  /** Grants of the turn without a record. */
  skipped: number;
}

/** The run that checks all grants: at most one is unfinished. Its times use the database's clock. */
export interface HealthRunStore {
  /** Adds a run, or returns the unfinished one. Of several concurrent calls, one adds it. */
  request(id: string): Promise<{ run: HealthRun; isNew: boolean }>;
  /** Returns the run that was requested last; null before the first. */
  last(): Promise<HealthRun | null>;
  /** Returns whether an unfinished run exists that no process checks. */
  isWaiting(): Promise<boolean>;
  /**
   * Claims the unfinished run for a process. `taken`: another process has shown progress lately. `none`: no run is
   * unfinished.
   */
  claim(claim: string): Promise<{ kind: 'claimed'; run: ClaimedRun } | { kind: 'taken' } | { kind: 'none' }>;
  /** Shows that the process is alive. Returns false if another process has claimed the run. */
  keep(run: ClaimedRun): Promise<boolean>;
  /** Lists the next lanes, a bounded number of them. Returns false once all lanes are listed. */
  listLanes(run: ClaimedRun): Promise<boolean>;
  /**
   * Returns the lane of the next owner behind `behind` that has had the fewest turns, from the start again behind the last
   * owner. Leaves out the owners in `busy`.
   */
  nextLane(
    run: ClaimedRun,
    place: { behind: GrantLane['organizationId'] | undefined; busy: readonly GrantLane['organizationId'][] },
  ): Promise<HealthLane | undefined>;
  /** Lists the next grants of a lane. Undefined if the connection was deleted. */
  grantsOf(
    lane: HealthLane,
    limit: number,
  ): Promise<{ grants: CheckableGrant[]; connection: Connection; next: SweepCursor | null } | undefined>;
  /**
   * Records the verdicts of a turn, its numbers and the place of the lane in one transaction. Returns the verdicts that
   * were replaced by different ones; undefined, with nothing recorded, if another process has claimed the run.
   */
  recordTurn(run: ClaimedRun, lane: HealthLane, turn: HealthTurn, at: Date): Promise<ReplacedHealth[] | undefined>;
  /** Returns the finished run; null if another process has claimed it. */
  finish(run: ClaimedRun): Promise<HealthRun | null>;
  /** Gives the claim up. Another process may claim the run at once. */
  release(run: ClaimedRun): Promise<void>;
}

export interface HealthNumbers {
  healthy: number;
  unhealthy: number;
  /** Grants that no check had a result for since their tokens arrived. */
  unchecked: number;
}

/** Counts of grants by health, which every change of a grant keeps. */
export interface HealthCounts {
  /** Sums exactly the grants within the reach. */
  read(reach: Reach): Promise<HealthNumbers>;
  /** Adds changes to the counts, a bounded number at a time. Safe to run in several processes at once. */
  fold(): Promise<void>;
}
