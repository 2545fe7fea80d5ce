import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from './deadline.ts';
import type { JobQueue, JobWorker, QueueName, QueueServer } from './queue-server.ts';
import type { RunJob } from './run-job.ts';
import { LotCutShort } from './run-lot.ts';

export interface SessionEvents {
  /** The server was lost, or refused something. */
  onTrouble(error: Error): void;
  onFailedJob(job: { name: string; grantId: string | undefined; attempt: number }, error: Error): void;
}

export interface LineWork {
  run: RunJob;
  concurrency: number;
}

/** One queue, and the worker that runs its jobs, where there is one here. */
export interface QueueLine {
  queue: JobQueue;
  worker: JobWorker | undefined;
  /** Jobs under way. */
  running: ReadonlySet<Promise<void>>;
}

const openTimeoutMs = 3000;
/** How long a server that is away is waited for once nothing runs any more. */
const closeGraceMs = 1000;
/** A worker whose server answers with errors would ask again at once, for ever. */
const troublePauseMs = 1000;

/** Throws where the server cannot be reached or refuses; nothing is left open then. */
export async function openLine(
  server: QueueServer,
  name: QueueName,
  work: LineWork | undefined,
  events: SessionEvents,
): Promise<QueueLine> {
  const queue = server.openQueue(name);
  queue.on('error', events.onTrouble);
  queue.on('ioredis:close', () => events.onTrouble(new Error('The connection was closed.')));
  const running = new Set<Promise<void>>();
  let worker: JobWorker | undefined;
  try {
    await withDeadline(firstAnswer(queue), openTimeoutMs, 'Reaching the queue');
    if (work !== undefined) {
      worker = startWorker(server, name, work, events, running);
      await withDeadline(worker.waitUntilReady(), openTimeoutMs, 'Starting the worker');
    }
    return { queue, worker, running };
  } catch (error) {
    await abandonLines([{ queue, worker, running }]);
    throw error;
  }
}

/** A refused connection is an answer: Redis clients would go on trying without saying so. */
async function firstAnswer(queue: JobQueue): Promise<void> {
  const { promise: refused, reject } = Promise.withResolvers<never>();
  queue.on('error', reject);
  await Promise.race([queue.waitUntilReady(), refused]);
}

function startWorker(
  server: QueueServer,
  name: QueueName,
  work: LineWork,
  events: SessionEvents,
  running: Set<Promise<void>>,
): JobWorker {
  const worker = server.openWorker(
    name,
    async (job) => {
      const run = work.run(job.name, job.data, (data) => job.updateData(data));
      running.add(run);
      try {
        await run;
      } finally {
        running.delete(run);
      }
    },
    work.concurrency,
  );
  worker.on('failed', (job, error) => {
    if (job === undefined || error instanceof LotCutShort) return;
    events.onFailedJob({ name: job.name, grantId: job.data.grantId, attempt: job.attemptsMade }, error);
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

/** Takes no further job, and waits for those that run. */
export async function closeLines(lines: readonly QueueLine[]): Promise<void> {
  // The queues last: a sweep that runs still hands over what it found.
  const orderly = Promise.all(lines.map(({ worker }) => worker?.close())).then(() =>
    Promise.all(lines.map(({ queue }) => queue.close())),
  );
  const overdue = sleep(0)
    .then(() => Promise.allSettled(lines.flatMap(({ running }) => [...running])))
    .then(() => sleep(closeGraceMs));
  // A server that is away would keep an orderly end waiting until it is back.
  const ended = await Promise.race([orderly.then(() => true), overdue.then(() => false)]);
  if (!ended) await abandonLines(lines);
}

export async function abandonLines(lines: readonly QueueLine[]): Promise<void> {
  const ends = lines.flatMap(({ queue, worker }) => [
    worker?.close(true),
    worker?.getBackend().close(true),
    queue.getBackend().close(true),
  ]);
  await Promise.race([Promise.allSettled(ends), sleep(closeGraceMs)]);
}
