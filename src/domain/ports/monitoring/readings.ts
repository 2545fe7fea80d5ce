import type { GrantStatus, StatusReason } from '../../grants/grant.ts';
import type { SweepStatus } from '../maintenance/sweeps.ts';
import type { CircuitState } from '../oauth.ts';

/** Grants of the whole installation. */
export interface GrantReadings {
  byStatus: readonly { status: GrantStatus; reason: StatusReason | null; count: number }[];
  /** Grants that only a person can connect again. */
  needingPerson: number;
}

/** How far refreshes are behind, over the whole installation. */
export interface BacklogReadings {
  /** Grants that are due now by the rules of the sweep, counted up to 10,000. */
  due: number;
  /** Seconds since the oldest expiry of an access token that should have been refreshed; 0 if there is none. */
  overdueSeconds: number;
}

export interface CacheReadings {
  hits: number;
  misses: number;
  entries: number;
}

export interface PoolReadings {
  pool: 'main' | 'heartbeat' | 'revocation';
  max: number;
  open: number;
  idle: number;
  /** Callers that wait for a connection. */
  waiting: number;
}

export const jobStates = ['ready', 'delayed', 'running'] as const;
export type JobState = (typeof jobStates)[number];

/** Jobs that the queue holds, for all processes. A job that ended is removed. */
export interface QueueReadings {
  queue: 'periodic' | 'batches';
  jobs: Record<JobState, number>;
}

/**
 * State of the process and of what it depends on, read at each scrape. A rejection leaves its series out. Values that
 * return at once are plain functions.
 */
export interface MonitoredState {
  circuits: () => Record<CircuitState, number>;
  cache: () => CacheReadings;
  pools: () => readonly PoolReadings[];
  /** Audit events of fetches that this process has in memory. */
  auditEventsWaiting: () => number;
  isListenerUp: () => boolean;
  isQueueUp: () => boolean;
  /** Whether the start is over: migrated, key proven. */
  isReady: () => boolean;
  /** Resolves if the database replies. */
  ping: () => Promise<void>;
  workers: () => Promise<{ workers: number; lastSweepAt: Date | null }>;
  /** The sweep that began last; null before the first. */
  lastSweep: () => Promise<SweepStatus | null>;
  grants: () => Promise<GrantReadings>;
  backlog: () => Promise<BacklogReadings>;
  queues: () => Promise<readonly QueueReadings[]>;
  unsavedTokens: () => Promise<number>;
}

/** Readings for administrators of the whole installation, taken for each page. */
export interface InstallationReadings
  extends Pick<MonitoredState, 'isListenerUp' | 'isQueueUp' | 'backlog' | 'queues' | 'unsavedTokens'> {
  /** Live workers, the start of the one that runs longest, and the end of the latest sweep. */
  background: () => Promise<{ workers: number; workingSince: Date | null; lastSweepAt: Date | null }>;
}

/** The metrics of this process in the text format of Prometheus. */
export interface MetricsPage {
  contentType: string;
  text: string;
}

export type ReadMetrics = () => Promise<MetricsPage>;
