import { setTimeout as sleep } from 'node:timers/promises';
import { DelayedError } from 'bullmq';
import { withDeadline } from '../deadline.ts';
import { BatchInterrupted } from '../run-batch.ts';
import { JobPostponed, type RunJob } from '../run-job.ts';
import type { JobQueue, JobWorker, QueueName, QueueServer } from './queue-server.ts';

export interface ConnectionEvents {
  /** The connection was lost, or the server refused a command. */
  onTrouble(error: Error): void;
  onFailedJob(job: { name: string; grantId: string | undefined; attempt: number }, error: Error): void;
}

export interface ConnectionWork {
  run: RunJob;
  concurrency: number;
}

/** One queue, with its worker if this process runs jobs. */
export interface QueueConnection {
  queue: JobQueue;
  worker: JobWorker | undefined;
  /** Running jobs. */
  running: ReadonlySet<Promise<void>>;
}

const openTimeoutMs = 3000;
/**
 * Limit for an orderly close after the last job ended. A server that is away would delay the end of the process
 * further.
 */
const closeGraceMs = 1000;
/** Delay of a postponed job. A shorter one takes the same jobs again and again while slow calls run. */
const postponeMs = 2_000;
/** Pause after an error of the server; without one the worker repeats its command in a busy loop. */
const troublePauseMs = 1000;

/** Opens a queue. Throws if the server is unreachable or refuses, with every connection closed again. */
export async function openConnection(
  server: QueueServer,
  name: QueueName,
  work: ConnectionWork | undefined,
  events: ConnectionEvents,
): Promise<QueueConnection> {
  const queue = server.openQueue(name);
  queue.on('error', events.onTrouble);
  queue.on('ioredis:close', () => events.onTrouble(new Error('The connection was closed.')));
  const running = new Set<Promise<void>>();
  let worker: JobWorker | undefined;
  try {
    await withDeadline(reach(queue), openTimeoutMs, 'Reaching the queue');
    if (work !== undefined) {
      worker = startWorker(server, name, work, events, running);
      await withDeadline(worker.waitUntilReady(), openTimeoutMs, 'Starting the worker');
    }
    return { queue, worker, running };
  } catch (error) {
    await abandonConnections([{ queue, worker, running }]);
    throw error;
  }
}

/** Rejects if the connection is refused. Waiting for readiness alone would not: Redis clients retry without end. */
async function reach(queue: JobQueue): Promise<void> {
  const { promise: refused, reject } = Promise.withResolvers<never>();
  queue.on('error', reject);
  await Promise.race([queue.waitUntilReady(), refused]);
}

function startWorker(
  server: QueueServer,
  name: QueueName,
  work: ConnectionWork,
  events: ConnectionEvents,
  running: Set<Promise<void>>,
): JobWorker {
  const worker = server.openWorker(
    name,
    async (job, token) => {
      const run = work.run(job.name, job.data, (data) => job.updateData(data));
      running.add(run);
      try {
        await run;
      } catch (error) {
        if (!(error instanceof JobPostponed)) throw error;
        await job.moveToDelayed(Date.now() + postponeMs, token);
        throw new DelayedError();
      } finally {
        running.delete(run);
      }
    },
    work.concurrency,
  );
  worker.on('failed', (job, error) => {
    if (job === undefined || error instanceof BatchInterrupted) return;
    events.onFailedJob({ name: job.name, grantId: job.data.grantId, attempt: job.attemptsMade }, error);
  });
  worker.on('error', (error) => {
    events.onTrouble(error);
    if (worker.closing !== undefined || worker.isPaused()) return;
    // Pauses fetching only; running jobs continue.
    void worker.pause(true);
    setTimeout(() => worker.closing === undefined && void worker.resume(), troublePauseMs).unref();
  });
  return worker;
}

/** Stops taking jobs and waits for the running ones. */
export async function closeConnections(connections: readonly QueueConnection[]): Promise<void> {
  // The queues close last: a running sweep still queues the grants it found.
  const orderly = Promise.all(connections.map(({ worker }) => worker?.close())).then(() =>
    Promise.all(connections.map(({ queue }) => queue.close())),
  );
  const overdue = sleep(0)
    .then(() => Promise.allSettled(connections.flatMap(({ running }) => [...running])))
    .then(() => sleep(closeGraceMs));
  // An orderly close waits without limit for a server that is away.
  const closed = await Promise.race([orderly.then(() => true), overdue.then(() => false)]);
  if (!closed) await abandonConnections(connections);
}

/** Closes connections without waiting for jobs or for the server. */
export async function abandonConnections(connections: readonly QueueConnection[]): Promise<void> {
  const ends = connections.flatMap(({ queue, worker }) => [
    worker?.close(true),
    worker?.getBackend().close(true),
    queue.getBackend().close(true),
  ]);
  await Promise.race([Promise.allSettled(ends), sleep(closeGraceMs)]);
}
