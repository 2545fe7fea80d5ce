import type { AuditEvent } from '../audit.ts';
import type { Connection, OrganizationId } from '../connection.ts';
import type { Grant, Health } from '../grant.ts';

export interface SweepCursor {
  at: Date;
  id: string;
}

/**
 * What a sweep takes up, part by part: what expires, urgent ones first; failed grants whose date to be tried again has
 * come; refresh tokens that would die of disuse.
 */
export const sweepParts = ['expiring', 'retrying', 'idle'] as const;

export type SweepPart = (typeof sweepParts)[number];

export interface DueQuery {
  part: SweepPart;
  now: Date;
  intervalMs: number;
  windowMs: number;
  after: SweepCursor | null;
  limit: number;
}

export interface DueGrant {
  id: string;
  /** Expires before the next sweep comes to it. */
  urgent: boolean;
}

/** How the refreshes of a sweep ended. `skipped`: there was nothing left to do, or no sense in asking. */
export const refreshOutcomes = ['refreshed', 'failed', 'skipped'] as const;

export type RefreshOutcome = (typeof refreshOutcomes)[number];

export type SweepTally = Record<RefreshOutcome, number>;

/** One sweep, as far as it has come. Outcomes are counted as refreshes end, which may be long after the sweep itself. */
export interface SweepStatus extends SweepTally {
  id: string;
  startedAt: Date;
  /** Null while it runs, and for ever where it broke off. */
  finishedAt: Date | null;
  isRunning: boolean;
  found: number;
  enqueued: number;
}

export interface SweepProgress {
  found: number;
  enqueued: number;
}

/** Which grants are due, and who sweeps. Times of sweeps are the database's. */
export interface SweepStore {
  /** A page of grants due at `now`, in order of their dates, by keyset. */
  due(query: DueQuery): Promise<{ grants: DueGrant[]; next: SweepCursor | null }>;
  /**
   * Of any number who begin at once, one is answered that it may. `running`: another sweep is at work. `done`: one
   * finished that began less than `pauseMs` ago. A sweep that has not told of itself for a while counts as broken off.
   */
  begin(id: string, pauseMs: number): Promise<'begun' | 'running' | 'done'>;
  /** Tells that the sweep runs, and how far it is. */
  progress(id: string, progress: SweepProgress): Promise<void>;
  finish(id: string, progress: SweepProgress): Promise<void>;
  /** The sweep broke off: another may begin at once. */
  giveUp(id: string): Promise<void>;
  /** Adds to the outcomes of a sweep, finished or not. */
  count(id: string, tally: SweepTally): Promise<void>;
  /** The sweep that began last; null before the first. */
  last(): Promise<SweepStatus | null>;
}

/** A grant as a health check needs it. */
export type CheckableGrant = Pick<
  Grant,
  'id' | 'organizationId' | 'status' | 'statusReason' | 'sealedTokens' | 'facts' | 'version'
>;

export interface HealthRecord {
  grantId: string;
  /** The version that was looked at: what it says of another token set says nothing. */
  version: number;
  health: Health;
  error: string | null;
}

export interface HealthStore {
  /**
   * Grants not checked since `since`, in order of id: completed ones of connections that can be probed, by their own
   * test_url or one of `providers`, and failed ones whose failure is not on record yet.
   */
  unchecked(query: {
    since: Date;
    providers: readonly string[];
    after: string | null;
    limit: number;
  }): Promise<{ grant: CheckableGrant; connection: Connection }[]>;
  record(records: readonly HealthRecord[], at: Date): Promise<void>;
}

/** A refresh token whose death is known. */
export interface ExpiringGrant {
  grantId: string;
  organizationId: OrganizationId;
  connectionId: string;
  connectionName: string;
  refreshExpiresAt: Date;
}

export interface ForecastStore {
  /**
   * Marks up to `limit` grants whose refresh token dies within `withinMs` as warned of, with an event each, in one
   * transaction. A token that each refresh prolongs does not count while refreshing works. Empty: all are warned of.
   */
  warn(
    query: { now: Date; withinMs: number; limit: number },
    eventOf: (expiring: ExpiringGrant) => AuditEvent,
  ): Promise<ExpiringGrant[]>;
}

/** A refresh shortly before a token's expiry. */
export interface RefreshAhead {
  grantId: string;
  /** Of the token set that is to be replaced. */
  version: number;
  delayMs: number;
}

/** Work handed to the background. Everything here throws `service_unavailable` where the queue cannot be reached. */
export interface RefreshQueue {
  /** `sweepId`: the sweep that found them, and counts how they end. Asks nobody whether they are in the queue already. */
  enqueue(
    grantIds: readonly string[],
    spreadOverMs: number,
    order?: { urgent?: boolean; sweepId?: string },
  ): Promise<void>;
  /** Each grant and version at most once, whoever adds it. */
  enqueueAhead(jobs: readonly RefreshAhead[]): Promise<void>;
  /** At most so many of the grants that were enqueued could be refreshed now and wait for a worker. */
  backlog(): Promise<number>;
  /** The grants that were enqueued and are not done with: that wait for their time or a worker, or are under way. */
  queued(): Promise<ReadonlySet<string>>;
}
