import { setTimeout as sleep } from 'node:timers/promises';
import { type Intervals, keepClocks, setClocks } from './clocks.ts';
import { withDeadline } from './deadline.ts';
import { type JobEntry, schedulerId } from './job-kinds.ts';
import type { JobQueue, JobWorker, QueueServer } from './queue-server.ts';
import type { RunJob } from './run-job.ts';

export interface SessionEvents {
  /** The server was lost, or refused something. */
  onTrouble(error: Error): void;
  onFailedJob(job: { name: string; grantId: string | undefined; attempt: number }, error: Error): void;
}

export interface SessionWork {
  run: RunJob;
  concurrency: number;
  intervals: Intervals;
}

/** A queue that was reached once, and its worker. Both find their server again by themselves after losing it. */
export interface QueueSession {
  /** Jobs are run from here on; before, none could hand another over. */
  begin(): void;
  add(jobs: readonly JobEntry[]): Promise<void>;
  /** Jobs that could run now. */
  backlog(): Promise<number>;
  /** Throws where the server does not answer. Restores the schedulers where they were lost. */
  check(): Promise<void>;
  /** Takes no further job, and waits for those that run. */
  close(): Promise<void>;
}

const openTimeoutMs = 3000;
/** How long a server that is away is waited for once nothing runs any more. */
const closeGraceMs = 1000;
/** A worker whose server answers with errors would ask again at once, for ever. */
const troublePauseMs = 1000;

/** Throws where the server cannot be reached or refuses; nothing is left open then. */
export async function openSession(
  server: QueueServer,
  work: SessionWork | undefined,
  events: SessionEvents,
): Promise<QueueSession> {
  const queue = server.openQueue();
  queue.on('error', events.onTrouble);
  queue.on('ioredis:close', () => events.onTrouble(new Error('The connection was closed.')));
  const running = new Set<Promise<void>>();
  let worker: JobWorker | undefined;
  try {
    await withDeadline(firstAnswer(queue), openTimeoutMs, 'Reaching the queue');
    if (work !== undefined) {
      worker = startWorker(server, work, events, running);
      await withDeadline(worker.waitUntilReady(), openTimeoutMs, 'Starting the worker');
      await withDeadline(setClocks(queue, work.intervals), openTimeoutMs, 'Setting the clocks');
    }
  } catch (error) {
    await abandon(queue, worker);
    throw error;
  }
  return {
    begin: () => void worker?.run().catch(events.onTrouble),
    add: async (jobs) => {
      await queue.addBulk([...jobs]);
    },
    backlog: () => queue.getJobCountByTypes('waiting', 'prioritized'),
    check: () => (work === undefined ? ping(queue) : keepClocks(queue, work.intervals)),
    close: () => closeAll(queue, worker, running),
  };
}

/** A refused connection is an answer: Redis clients would go on trying without saying so. */
async function firstAnswer(queue: JobQueue): Promise<void> {
  const { promise: refused, reject } = Promise.withResolvers<never>();
  queue.on('error', reject);
  await Promise.race([queue.waitUntilReady(), refused]);
}

function startWorker(
  server: QueueServer,
  work: SessionWork,
  events: SessionEvents,
  running: Set<Promise<void>>,
): JobWorker {
  const worker = server.openWorker(async (job) => {
    const run = work.run(job.name, job.data);
    running.add(run);
    try {
      await run;
    } finally {
      running.delete(run);
    }
  }, work.concurrency);
  worker.on('failed', (job, error) => {
    if (job !== undefined) {
      events.onFailedJob({ name: job.name, grantId: job.data.grantId, attempt: job.attemptsMade }, error);
    }
  });
  worker.on('error', (error) => {
    events.onTrouble(error);
    if (worker.closing !== undefined || worker.isPaused()) return;
    // Jobs that run are not waited for: the pause is only for fetching.
    void worker.pause(true);
    setTimeout(() => worker.closing === undefined && void worker.resume(), troublePauseMs).unref();
  });
  return worker;
}

async function ping(queue: JobQueue): Promise<void> {
  await queue.getJobScheduler(schedulerId('sweep'));
}

async function closeAll(queue: JobQueue, worker: JobWorker | undefined, running: Set<Promise<void>>): Promise<void> {
  // The queue last: a sweep that runs still hands its refreshes over.
  const orderly = Promise.resolve(worker?.close()).then(() => queue.close());
  const overdue = sleep(0)
    .then(() => Promise.allSettled(running))
    .then(() => sleep(closeGraceMs));
  // A server that is away would keep an orderly end waiting until it is back.
  const ended = await Promise.race([orderly.then(() => true), overdue.then(() => false)]);
  if (!ended) await abandon(queue, worker);
}

async function abandon(queue: JobQueue, worker: JobWorker | undefined): Promise<void> {
  const ends = [worker?.close(true), worker?.getBackend().close(true), queue.getBackend().close(true)];
  await Promise.race([Promise.allSettled(ends), sleep(closeGraceMs)]);
}
