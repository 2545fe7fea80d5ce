import type { JobsOptions } from 'bullmq';
import type { RefreshAhead } from '../domain/ports/upkeep.ts';

/** Work that comes by the clock. */
export const periodicKinds = ['sweep', 'health', 'forecast'] as const;
export type PeriodicKind = (typeof periodicKinds)[number];

/** tick: a scheduler's own job, which asks for the work it is the clock of. lot: due grants, to be refreshed each. */
export type JobKind = 'tick' | PeriodicKind | 'lot' | 'refresh-ahead';

/** What a job says of itself, each kind its own part. */
export interface JobData {
  /** lot */
  grantIds?: string[];
  /** lot, where a sweep asked for it */
  sweepId?: string;
  /** refresh-ahead */
  grantId?: string;
  /** refresh-ahead: of the token set to be replaced */
  version?: number;
  /** tick */
  of?: PeriodicKind;
}

export interface JobEntry {
  name: JobKind;
  data: JobData;
  opts: JobsOptions;
}

export const schedulerId = (kind: PeriodicKind) => `${kind}-clock`;

const minute = 60_000;
/** Processes that start together, or a tick beside them, each ask within this time: once is enough. */
const maxPauseMs = minute / 2;
/** What must not wait for the rest: BullMQ takes jobs without a priority first, then the lower ones. */
const urgentPriority = 5;
const lotPriority = 10;
/** A job that is over must go, or its id would keep the next one of that id out. */
const leaveNothing = { removeOnComplete: true, removeOnFail: true } satisfies JobsOptions;
/** These read the database, and a tick the queue: what fails here is a server that is away, mostly not for long. */
const tryAgain = { attempts: 5, backoff: { type: 'exponential', delay: 2000 } } satisfies JobsOptions;

export function tickOf(kind: PeriodicKind): JobEntry {
  return { name: 'tick', data: { of: kind }, opts: { ...leaveNothing, ...tryAgain } };
}

/** One at a time, by its id; and, by the deduplication, none right after another. */
export function periodicJob(kind: PeriodicKind, intervalMs: number): JobEntry {
  const ttl = Math.min(maxPauseMs, Math.ceil(intervalMs / 2));
  return {
    name: kind,
    data: {},
    opts: { jobId: kind, deduplication: { id: kind, ttl }, ...leaveNothing, ...tryAgain },
  };
}

/** Grants of one job: taking a job from its queue and ending it costs more than many a refresh. */
export const lotSize = 100;
/** A lot comes back when the process that runs it ends before its last grant had its turn. */
const mostProcesses = 50;

/**
 * Grants that are due, in lots. No second attempt for a grant that was not refreshed: what a refresh means to repeat it
 * records itself, and the next sweep finds the rest.
 */
export function lotsOf(
  grantIds: readonly string[],
  spreadOverMs: number,
  { urgent = false, sweepId }: { urgent?: boolean; sweepId?: string },
): JobEntry[] {
  const ids = [...new Set(grantIds)];
  const lots = Array.from({ length: Math.ceil(ids.length / lotSize) }, (_, n) =>
    ids.slice(n * lotSize, (n + 1) * lotSize),
  );
  return lots.map((lot) => ({
    name: 'lot',
    data: { grantIds: lot, ...(sweepId !== undefined && { sweepId }) },
    opts: {
      priority: urgent ? urgentPriority : lotPriority,
      delay: Math.floor(Math.random() * spreadOverMs),
      attempts: mostProcesses,
      ...leaveNothing,
    },
  }));
}

/** Beside a sweep's lot with the same grant: whichever comes second finds the work done. */
export function refreshAheadJobs(jobs: readonly RefreshAhead[]): JobEntry[] {
  const byId = new Map(jobs.map((job) => [`${job.grantId}-v${job.version}`, job]));
  // In one order everywhere: two processes that insert the same ids the other way round would wait for each other.
  return [...byId].sort(inOrder).map(([jobId, { grantId, version, delayMs }]) => ({
    name: 'refresh-ahead',
    data: { grantId, version },
    opts: { jobId, priority: urgentPriority, delay: Math.floor(delayMs), ...leaveNothing },
  }));
}

function inOrder([one]: [string, unknown], [other]: [string, unknown]): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
