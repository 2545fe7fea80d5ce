import { type Intervals, keepClocks, setClocks } from './clocks.ts';
import { withDeadline } from './deadline.ts';
import { type JobEntry, lotSize, schedulerId } from './job-kinds.ts';
import { abandonLines, closeLines, openLine, type SessionEvents } from './queue-line.ts';
import type { QueueName, QueueServer } from './queue-server.ts';
import type { RunJob } from './run-job.ts';

export interface SessionWork {
  run: RunJob;
  /** Jobs at once, of each queue. */
  concurrency: Record<QueueName, number>;
  intervals: Intervals;
}

/** The queues of a server that was reached once, and their workers. All find it again by themselves after losing it. */
export interface QueueSession {
  /** Jobs are run from here on; before, none could hand another over. */
  begin(): void;
  add(jobs: readonly JobEntry[]): Promise<void>;
  /** Grants whose lots could run now, at most. */
  backlog(): Promise<number>;
  /** Grants of every lot that waits, for its time or a worker, or is under way. */
  queued(): Promise<ReadonlySet<string>>;
  /** Throws where the server does not answer. Restores the schedulers where they were lost. */
  check(): Promise<void>;
  /** Takes no further job, and waits for those that run. */
  close(): Promise<void>;
}

const openTimeoutMs = 3000;

/** Throws where the server cannot be reached or refuses; nothing is left open then. */
export async function openSession(
  server: QueueServer,
  work: SessionWork | undefined,
  events: SessionEvents,
): Promise<QueueSession> {
  const workOf = (name: QueueName) => work && { run: work.run, concurrency: work.concurrency[name] };
  // One after the other: on Postgres the first one migrates.
  const clock = await openLine(server, 'clock', workOf('clock'), events);
  const opened = [clock];
  try {
    const lots = await openLine(server, 'lots', workOf('lots'), events);
    opened.push(lots);
    if (work !== undefined) {
      await withDeadline(setClocks(clock.queue, work.intervals), openTimeoutMs, 'Setting the clocks');
    }
    return {
      begin: () => {
        for (const { worker } of opened) void worker?.run().catch(events.onTrouble);
      },
      add: async (jobs) => {
        const ofLots = jobs.filter(({ name }) => name === 'lot');
        const others = jobs.filter(({ name }) => name !== 'lot');
        if (ofLots.length > 0) await lots.queue.addBulk(ofLots);
        if (others.length > 0) await clock.queue.addBulk(others);
      },
      backlog: async () => lotSize * (await lots.queue.getJobCountByTypes('waiting', 'prioritized')),
      queued: async () => {
        const jobs = await lots.queue.getJobs(['waiting', 'prioritized', 'delayed', 'active']);
        return new Set(jobs.flatMap((job) => job?.data?.grantIds ?? []));
      },
      check: async () => {
        if (work === undefined) await clock.queue.getJobScheduler(schedulerId('sweep'));
        else await keepClocks(clock.queue, work.intervals);
      },
      close: () => closeLines(opened),
    };
  } catch (error) {
    await abandonLines(opened);
    throw error;
  }
}
