import { setTimeout as sleep } from 'node:timers/promises';
import { BrokerError, isBrokerError } from '../domain/errors.ts';
import type { RefreshQueue } from '../domain/ports/maintenance/queue.ts';
import type { OnJobEnd } from '../domain/ports/monitoring/observations.ts';
import type { QueueReadings } from '../domain/ports/monitoring/readings.ts';
import type { QueueFailure } from '../domain/queue-failure.ts';
import { withDeadline } from './deadline.ts';
import { createFairPlaces } from './fair-places.ts';
import { batchesOf, demandJob, type JobEntry, type PeriodicKind, periodicJob, refreshAheadJobs } from './job-kinds.ts';
import { observeJobs } from './observe-jobs.ts';
import { formerKeys } from './queue/former-queues.ts';
import type { ConnectionEvents } from './queue/queue-connection.ts';
import { openConnections, type QueueConnections } from './queue/queue-connections.ts';
import { openQueueServer, type QueueLocation } from './queue/queue-server.ts';
import { createQueueState, type QueueStateLog } from './queue/queue-state.ts';
import { createRunBatch } from './run-batch.ts';
import { createRunJob, type JobHandlers } from './run-job.ts';
import type { Intervals } from './schedules.ts';

export interface JobsOptions {
  location: QueueLocation;
  /** Reads the id of the installation, to which the queues belong. Called before the first connection. */
  installationId: () => Promise<string>;
  intervals: Intervals;
  /**
   * Due grants that one process refreshes at once, over all batches, a quarter of them for one organisation. The
   * periodic queue runs as many jobs beside them.
   */
  concurrency: number;
  handlers: JobHandlers;
  onJobEnd?: OnJobEnd;
  log: QueueStateLog;
  /** Says which setting to check after an error of the queue. Logged with the error. */
  explain?: (error: unknown) => string | undefined;
}

export interface Jobs extends RefreshQueue {
  /**
   * Resolves after the first attempt to connect, even if it failed; the connection is then kept up in the background.
   * With `worker` this process also runs jobs and sets the schedules.
   */
  start(worker: boolean): Promise<void>;
  /** Queues a sweep unless one waits, runs or was queued up to 30 seconds ago. Throws `service_unavailable`. */
  enqueueSweep(): Promise<void>;
  isUp(): boolean;
  /** Reason why the queue does not work. Null while it works. */
  failure(): QueueFailure | null;
  /** Counts the jobs in the queue by state. Throws `service_unavailable`. */
  count(): Promise<readonly QueueReadings[]>;
  /** Waits for the running jobs of this process, without a limit. */
  close(): Promise<void>;
}

const checkEveryMs = 5000;
const checkTimeoutMs = 2500;
/** Bounds how long a caller waits for a queue that does not respond. */
const callTimeoutMs = 2500;
/** Jobs added by one command. A larger command may take longer than callTimeoutMs and fail. */
const enqueueBatch = 500;
/**
 * Batches that one process runs at once. With fewer, slow grants hold up the rest; with more, a killed process stalls
 * more grants.
 */
const batchesAtOnce = 40;
const firstRetryMs = 250;
const maxRetryMs = 5000;

/**
 * Runs background work with BullMQ on Redis or Postgres. Owns the schedules and the queueing of refreshes; knows
 * nothing of sweeps or refreshes themselves. Losing the queue delays work and loses none: Postgres knows which grants
 * are due.
 */
export function createJobs(options: JobsOptions): Jobs {
  const { location, installationId, intervals, concurrency, handlers, log } = options;
  const state = createQueueState(log, options.explain ?? (() => undefined));
  const ending = new AbortController();
  let connections: QueueConnections | undefined;
  let maintained: Promise<void> = Promise.resolve();
  let wake = new AbortController();

  const events: ConnectionEvents = {
    onTrouble: (error) => {
      const wasUp = state.isUp();
      state.troubled(error);
      if (wasUp) wake.abort();
    },
    onFailedJob: reportFailed,
  };

  function reportFailed(job: object, error: unknown): void {
    // The state of the queue is logged once; a line for each job that fails for it would add nothing.
    if (!state.isUp() && isBrokerError(error, 'service_unavailable')) return;
    log.warn({ ...job, err: error }, 'job failed');
  }

  async function callQueue<T>(what: string, call: (open: QueueConnections) => Promise<T>): Promise<T> {
    if (connections === undefined || !state.isUp()) throw unreachable();
    try {
      return await withDeadline(call(connections), callTimeoutMs, what);
    } catch (error) {
      state.troubled(error);
      wake.abort();
      throw unreachable(error);
    }
  }

  async function add(jobs: readonly JobEntry[]): Promise<void> {
    for (let first = 0; first < jobs.length; first += enqueueBatch) {
      const batch = jobs.slice(first, first + enqueueBatch);
      await callQueue('Adding to the queue', (open) => open.add(batch));
    }
  }

  const enqueuePeriodic = (kind: PeriodicKind) => add([periodicJob(kind, intervals[kind])]);
  const runBatch = createRunBatch({
    refresh: handlers.refresh,
    places: createFairPlaces(concurrency),
    ending: ending.signal,
    onFailed: (grantId, error) => reportFailed({ name: 'refresh', grantId, attempt: 1 }, error),
  });
  const runJob = createRunJob({
    handlers,
    runBatch,
    aheadPlaces: createFairPlaces(concurrency),
    enqueuePeriodic,
    ending: ending.signal,
  });
  const run = observeJobs(runJob, options.onJobEnd ?? (() => undefined));
  const work = { run, concurrency: { periodic: concurrency, batches: batchesAtOnce }, intervals };

  async function attempt(worker: boolean): Promise<boolean> {
    try {
      if (connections === undefined) {
        const server = await openQueueServer(location, await installationId());
        connections = await openConnections(server, worker ? work : undefined, events);
        if (await connections.hasFormerQueues()) log.warn({ keys: formerKeys }, 'queues of an earlier version found');
      }
      await withDeadline(connections.check(), checkTimeoutMs, 'Checking the queue');
      state.succeeded();
      connections.begin();
      return true;
    } catch (error) {
      state.failed(error);
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
      maintained = first.then((reached) => keepUp(worker, reached));
      await first;
    },
    enqueue: (grantIds, spreadOverMs, order = {}) => add(batchesOf(grantIds, spreadOverMs, order)),
    enqueueAhead: (jobs) => add(refreshAheadJobs(jobs)),
    enqueueSweepOnDemand: () => add([demandJob('sweep')]),
    enqueueHealthRun: () => add([demandJob('health-run')]),
    backlog: () => callQueue('Reading the queue', (open) => open.backlog()),
    batches: () => callQueue('Reading the queue', (open) => open.batches()),
    queued: () => callQueue('Reading the queue', (open) => open.queued()),
    count: () => callQueue('Counting jobs', (open) => open.count()),
    enqueueSweep: () => enqueuePeriodic('sweep'),
    isUp: state.isUp,
    failure: state.failure,
    close: async () => {
      ending.abort();
      await maintained;
      await connections?.close();
      connections = undefined;
      state.stopped();
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
