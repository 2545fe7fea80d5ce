import { type PeriodicKind, periodicKinds, schedulerId, tickOf } from './job-kinds.ts';
import type { JobQueue } from './queue/queue-server.ts';

/** Milliseconds between two runs of each kind of periodic work. */
export type Intervals = Readonly<Record<PeriodicKind, number>>;

/**
 * Sets schedules at the start of a worker. Only here: running processes of two configurations would overwrite each
 * other.
 */
export async function setSchedules(queue: JobQueue, intervals: Intervals): Promise<void> {
  for (const kind of periodicKinds) {
    const schedule = await queue.getJobScheduler(schedulerId(kind));
    // A right schedule stays: setting it again may delay the next tick, and frequent restarts would always delay it.
    if (schedule?.every !== intervals[kind]) await startSchedule(queue, kind, intervals[kind]);
  }
}

/** Restores schedules that a flushed server has lost, and restarts those whose tick was lost. */
export async function restoreSchedules(queue: JobQueue, intervals: Intervals): Promise<void> {
  for (const kind of periodicKinds) {
    const schedule = await queue.getJobScheduler(schedulerId(kind));
    const stopped = schedule?.next !== undefined && schedule.next < Date.now() - (schedule.every ?? intervals[kind]);
    if (schedule === undefined || stopped) await startSchedule(queue, kind, intervals[kind]);
  }
}

/** The first tick of a new schedule runs at once: ticks may have been missed before it existed. */
async function startSchedule(queue: JobQueue, kind: PeriodicKind, every: number): Promise<void> {
  await queue.upsertJobScheduler(schedulerId(kind), { every }, tickOf(kind));
}
