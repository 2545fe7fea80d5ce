import { type PeriodicKind, periodicKinds, schedulerId, tickOf } from './job-kinds.ts';
import type { JobQueue } from './queue-server.ts';

/** How often each kind of periodic work is asked for, in milliseconds. */
export type Intervals = Readonly<Record<PeriodicKind, number>>;

/** Only here is an interval changed: processes of two configurations would otherwise reset each other's clocks for ever. */
export async function setClocks(queue: JobQueue, intervals: Intervals): Promise<void> {
  for (const kind of periodicKinds) {
    const clock = await queue.getJobScheduler(schedulerId(kind));
    // Left alone where it is right: setting it anew may put the next tick off, and restarts could do so for ever.
    if (clock?.every !== intervals[kind]) await startClock(queue, kind, intervals[kind]);
  }
}

/** A server that was flushed, or came back empty, has no clocks; one whose tick was lost stands still. */
export async function keepClocks(queue: JobQueue, intervals: Intervals): Promise<void> {
  for (const kind of periodicKinds) {
    const clock = await queue.getJobScheduler(schedulerId(kind));
    const stopped = clock?.next !== undefined && clock.next < Date.now() - (clock.every ?? intervals[kind]);
    if (clock === undefined || stopped) await startClock(queue, kind, intervals[kind]);
  }
}

/** The first tick of a new clock is at once: nobody knows what was missed while there was none. */
async function startClock(queue: JobQueue, kind: PeriodicKind, every: number): Promise<void> {
  await queue.upsertJobScheduler(schedulerId(kind), { every }, tickOf(kind));
}
