import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { QueueReadings } from '../../domain/ports/monitoring/readings.ts';
import { withDeadline } from '../deadline.ts';
import { batchSize, type JobData, type JobEntry, probeJob } from '../job-kinds.ts';
import type { RunJob } from '../run-job.ts';
import { type Intervals, restoreSchedules, setSchedules } from '../schedules.ts';
import { hasFormerQueues } from './former-queues.ts';
import { abandonConnections, type ConnectionEvents, closeConnections, openConnection } from './queue-connection.ts';
import type { JobQueue, QueueName, QueueServer } from './queue-server.ts';

export interface ConnectionsWork {
  run: RunJob;
  /** Concurrent jobs of each queue. */
  concurrency: Record<QueueName, number>;
  intervals: Intervals;
}

/** Queues and workers of a server that was reached once. All reconnect by themselves after losing it. */
export interface QueueConnections {
  /** Starts the workers, at the first call. Call it once jobs can be added: running jobs add further ones. */
  begin(): void;
  add(jobs: readonly JobEntry[]): Promise<void>;
  /** Upper bound of grants in batches that could run now. */
  backlog(): Promise<number>;
  /** Number of batches of each organisation that are delayed, waiting or running. */
  batches(): Promise<ReadonlyMap<OrganizationId, number>>;
  /** Grants of all batches that are delayed, waiting or running. */
  queued(): Promise<ReadonlySet<string>>;
  count(): Promise<readonly QueueReadings[]>;
  /** Throws if the server does not respond or refuses to write. Restores schedules that were lost. */
  check(): Promise<void>;
  /** Checks whether Redis holds queues of version 0.1. */
  hasFormerQueues(): Promise<boolean>;
  /** Stops taking jobs and waits for the running ones. */
  close(): Promise<void>;
}

const openTimeoutMs = 3000;

/** Opens all queues. Throws if the server is unreachable or refuses, with every connection closed again. */
export async function openConnections(
  server: QueueServer,
  work: ConnectionsWork | undefined,
  events: ConnectionEvents,
): Promise<QueueConnections> {
  const workOf = (name: QueueName) => work && { run: work.run, concurrency: work.concurrency[name] };
  // In sequence: on Postgres the first queue migrates the schema.
  const periodic = await openConnection(server, 'periodic', workOf('periodic'), events);
  const opened = [periodic];
  try {
    const batches = await openConnection(server, 'batches', workOf('batches'), events);
    opened.push(batches);
    if (work !== undefined) {
      await withDeadline(setSchedules(periodic.queue, work.intervals), openTimeoutMs, 'Setting the schedules');
    }
    let hasBegun = false;
    return {
      begin: () => {
        if (hasBegun) return;
        hasBegun = true;
        for (const { worker } of opened) void worker?.run().catch(events.onTrouble);
      },
      add: async (jobs) => {
        const ofBatches = jobs.filter(({ name }) => name === 'batch');
        const others = jobs.filter(({ name }) => name !== 'batch');
        if (ofBatches.length > 0) await batches.queue.addBulk(ofBatches);
        if (others.length > 0) await periodic.queue.addBulk(others);
      },
      backlog: async () => batchSize * (await batches.queue.getJobCountByTypes('waiting', 'prioritized')),
      batches: async () => {
        const counts = new Map<OrganizationId, number>();
        for (const { organizationId = null } of await unfinished(batches.queue)) {
          counts.set(organizationId, (counts.get(organizationId) ?? 0) + 1);
        }
        return counts;
      },
      queued: async () => new Set((await unfinished(batches.queue)).flatMap(({ grantIds }) => grantIds ?? [])),
      count: async () => [await countJobs('periodic', periodic.queue), await countJobs('batches', batches.queue)],
      check: async () => {
        await proveWrites(periodic.queue);
        if (work !== undefined) await restoreSchedules(periodic.queue, work.intervals);
      },
      hasFormerQueues: () =>
        withDeadline(hasFormerQueues(periodic.queue.getBackend()), openTimeoutMs, 'Reading former queues'),
      close: () => closeConnections(opened),
    };
  } catch (error) {
    await abandonConnections(opened);
    throw error;
  }
}

async function countJobs(name: QueueName, queue: JobQueue): Promise<QueueReadings> {
  const {
    waiting = 0,
    prioritized = 0,
    delayed = 0,
    active = 0,
  } = await queue.getJobCounts('waiting', 'prioritized', 'delayed', 'active');
  return { queue: name, jobs: { ready: waiting + prioritized, delayed, running: active } };
}

/** Adds a job and removes it. Throws if the server refuses writes, which a read does not tell. */
export async function proveWrites(queue: JobQueue): Promise<void> {
  const job = probeJob();
  await queue.addBulk([job]);
  await queue.remove(job.opts.jobId);
}

/** Reads the data of all jobs that have not ended. The sweep bounds their number. */
async function unfinished(queue: JobQueue): Promise<JobData[]> {
  const jobs = await queue.getJobs(['waiting', 'prioritized', 'delayed', 'active']);
  return jobs.flatMap((job) => job?.data ?? []);
}
