import type { RefreshQueue, SweepCursor, SweepStore } from '../domain/ports/engine.ts';
import type { RefreshSchedule } from '../domain/refresh-policy.ts';

/** Hands every due grant to the queue. Resolves to how many. */
export type SweepDueGrants = () => Promise<number>;

export interface SweepDueGrantsDeps {
  sweeps: SweepStore;
  queue: RefreshQueue;
  clock: () => Date;
  schedule: RefreshSchedule;
}

const batchSize = 500;
/** Share of the interval over which the refreshes of one sweep are spread, so that providers see no thundering herd. */
const spreadShare = 0.2;
const batchesBeforeSpreading = 1;

export function createSweepDueGrants({ sweeps, queue, clock, schedule }: SweepDueGrantsDeps): SweepDueGrants {
  return async () => {
    const now = clock();
    await sweeps.recordStart(now);
    let cursor: SweepCursor | null = null;
    let found = 0;
    let batches = 0;
    do {
      const { ids, next } = await sweeps.due({ ...schedule, now, after: cursor, limit: batchSize });
      if (ids.length > 0)
        await queue.enqueue(ids, batches < batchesBeforeSpreading ? 0 : schedule.intervalMs * spreadShare);
      found += ids.length;
      batches += 1;
      cursor = next;
    } while (cursor !== null);
    return found;
  };
}

/** Whether a sweep was missed while nothing ran: asked at start, since the next tick may be a whole interval away. */
export async function isSweepOverdue({ sweeps, clock, schedule }: Omit<SweepDueGrantsDeps, 'queue'>): Promise<boolean> {
  const last = await sweeps.lastStartedAt();
  return last === null || clock().getTime() - last.getTime() >= schedule.intervalMs;
}
