import type { JobsOptions } from 'bullmq';
import type { JobData } from './queue-server.ts';

/** tick: the scheduler's own job, which asks for a sweep. */
export type JobKind = 'tick' | 'sweep' | 'refresh';

export interface JobEntry {
  name: JobKind;
  data: JobData;
  opts: JobsOptions;
}

export const sweepSchedulerId = 'sweep-clock';

const minute = 60_000;
/** Processes that start together, or a tick beside them, each ask for a sweep within this time: one is enough. */
const maxSweepPauseMs = minute / 2;
/** Sweeps go ahead of refreshes, which number many: BullMQ takes jobs without a priority first. */
const refreshPriority = 10;
/** A job that is over must go, or its id would keep the next one of that id out. */
const leaveNothing = { removeOnComplete: true, removeOnFail: true } satisfies JobsOptions;
/** A sweep reads the database and a tick the queue: what fails here is a server that is away, mostly not for long. */
const tryAgain = { attempts: 5, backoff: { type: 'exponential', delay: 2000 } } satisfies JobsOptions;

export const tick = { name: 'tick', data: {}, opts: { ...leaveNothing, ...tryAgain } } satisfies JobEntry;

/** One sweep at a time, by its id; and, by the deduplication, none right after another. */
export function sweepJob(sweepIntervalMs: number): JobEntry {
  const ttl = Math.min(maxSweepPauseMs, Math.ceil(sweepIntervalMs / 2));
  return {
    name: 'sweep',
    data: {},
    opts: { jobId: 'sweep', deduplication: { id: 'sweep', ttl }, ...leaveNothing, ...tryAgain },
  };
}

/**
 * The grant's id is the job's, so that a grant which is queued or being refreshed is not added again. No second attempt:
 * what a refresh means to repeat it records itself, and the next sweep finds the rest.
 */
export function refreshJobs(grantIds: readonly string[], spreadOverMs: number): JobEntry[] {
  // In one order everywhere: two processes that insert the same ids the other way round would wait for each other.
  return [...new Set(grantIds)].sort().map((grantId) => ({
    name: 'refresh',
    data: { grantId },
    opts: {
      jobId: grantId,
      priority: refreshPriority,
      delay: Math.floor(Math.random() * spreadOverMs),
      ...leaveNothing,
    },
  }));
}
