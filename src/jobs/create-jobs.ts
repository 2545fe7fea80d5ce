import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerError } from '../domain/errors.ts';
import type { RefreshQueue } from '../domain/ports/upkeep.ts';
import type { Intervals } from './clocks.ts';
import { withDeadline } from './deadline.ts';
import { type JobEntry, lotsOf, type PeriodicKind, periodicJob, refreshAheadJobs } from './job-kinds.ts';
import type { SessionEvents } from './queue-line.ts';
import { createQueueServer, type QueueLocation } from './queue-server.ts';
import { openSession, type QueueSession } from './queue-session.ts';
import { createRunJob, type JobHandlers } from './run-job.ts';
import { createRunLot } from './run-lot.ts';

export interface JobsLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface JobsOptions {
  location: QueueLocation;
  intervals: Intervals;
  /** Due grants one process refreshes at once, over all lots; and beside them as many others, work by the clock included. */
  concurrency: number;
  handlers: JobHandlers;
  log: JobsLog;
}

export interface Jobs extends RefreshQueue {
  /**
   * Resolves after the first attempt to reach the queue, whether it succeeded or not; from then on it is kept up. With
   * `worker` jobs are run here, and the clocks are kept.
   */
  start(worker: boolean): Promise<void>;
  /** One sweep soon: none is added beside one that waits or runs, or right after another. Throws `service_unavailable`. */
  enqueueSweep(): Promise<void>;
  isUp(): boolean;
  /** Waits for the jobs that run here, however long they take. */
  close(): Promise<void>;
}

const checkEveryMs = 5000;
const checkTimeoutMs = 2500;
/** Bounds how long anybody waits for a queue that does not answer. */
const askTimeoutMs = 2500;
const enqueueBatch = 500;
/** So many that one slow grant in each does not hold up the rest; few, for what a killed process had is taken up late. */
const lotsAtOnce = 20;
const firstRetryMs = 250;
const maxRetryMs = 5000;

/**
 * Background work over BullMQ, on Redis or Postgres. Owns when periodic work is asked for and how refreshes are queued;
 * knows nothing of what a sweep or a refresh does. The queue is only the clock: losing it delays work and loses nothing.
 */
export function createJobs({ location, intervals, concurrency, handlers, log }: JobsOptions): Jobs {
  const server = createQueueServer(location);
  const ending = new AbortController();
  let session: QueueSession | undefined;
  let up: boolean | undefined;
  let upkeep: Promise<void> = Promise.resolve();
  let wake = new AbortController();

  const events: SessionEvents = {
    onTrouble: () => {
      if (up) wake.abort();
    },
    onFailedJob: reportFailed,
  };

  function reportFailed(job: object, error: unknown): void {
    log.warn({ ...job, reason: describe(error) }, 'a background job failed');
  }

  function report(reachable: boolean, error?: unknown): void {
    if (reachable === up) return;
    up = reachable;
    if (up) log.info({}, 'the queue is reachable');
    else log.warn({ reason: describe(error) }, 'the queue is not reachable; background work waits');
  }

  async function ask<T>(what: string, question: (session: QueueSession) => Promise<T>): Promise<T> {
    if (session === undefined || up !== true) throw unreachable();
    try {
      return await withDeadline(question(session), askTimeoutMs, what);
    } catch (error) {
      wake.abort();
      throw unreachable(error);
    }
  }

  async function add(jobs: readonly JobEntry[]): Promise<void> {
    for (let first = 0; first < jobs.length; first += enqueueBatch) {
      const batch = jobs.slice(first, first + enqueueBatch);
      await ask('Adding to the queue', (open) => open.add(batch));
    }
  }

  const enqueuePeriodic = (kind: PeriodicKind) => add([periodicJob(kind, intervals[kind])]);
  const runLot = createRunLot({
    refresh: handlers.refresh,
    atOnce: concurrency,
    ending: ending.signal,
    onFailed: (grantId, error) => reportFailed({ name: 'refresh', grantId, attempt: 1 }, error),
  });
  const run = createRunJob({ handlers, runLot, enqueuePeriodic, ending: ending.signal });
  const work = { run, concurrency: { clock: concurrency, lots: lotsAtOnce }, intervals };

  async function attempt(worker: boolean): Promise<boolean> {
    try {
      if (session === undefined) {
        session = await openSession(server, worker ? work : undefined, events);
        report(true);
        session.begin();
      } else {
        await withDeadline(session.check(), checkTimeoutMs, 'Asking the queue');
        report(true);
      }
      return true;
    } catch (error) {
      report(false, error);
      return false;
    }
  }

  async function keepUp(worker: boolean, reached: boolean): Promise<void> {
    let failures = reached ? 0 : 1;
    while (!ending.signal.aborted) {
      wake = new AbortController();
      await pause(failures === 0 ? checkEveryMs : retryMs(failures), AbortSignal.any([wake.signal, ending.signal]));
      if (ending.signal.aborted) return;
      failures = (await attempt(worker)) ? 0 : failures + 1;
    }
  }

  return {
    start: async (worker) => {
      const first = attempt(worker);
      upkeep = first.then((reached) => keepUp(worker, reached));
      await first;
    },
    enqueue: (grantIds, spreadOverMs, order = {}) => add(lotsOf(grantIds, spreadOverMs, order)),
    enqueueAhead: (jobs) => add(refreshAheadJobs(jobs)),
    backlog: () => ask('Asking the queue', (open) => open.backlog()),
    queued: () => ask('Asking the queue', (open) => open.queued()),
    enqueueSweep: () => enqueuePeriodic('sweep'),
    isUp: () => up === true,
    close: async () => {
      ending.abort();
      await upkeep;
      await session?.close();
      session = undefined;
      up = false;
    },
  };
}

function retryMs(failures: number): number {
  return Math.min(firstRetryMs * 2 ** failures, maxRetryMs);
}

async function pause(ms: number, until: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: until }).catch(() => {});
}

function unreachable(cause?: unknown): BrokerError<'service_unavailable'> {
  return BrokerError.with('service_unavailable', 'The queue cannot be reached.', { retry_after: 5 }, cause);
}

/** The text alone: errors of a Redis client carry the command they answer, and that may be the one with the password. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ');
  return error.message;
}
