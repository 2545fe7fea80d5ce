import type { DueGrant, DueQuery, RefreshQueue, SweepPart, SweepStore } from '../../src/domain/ports/upkeep.ts';

export interface QueuedRefresh {
  id: string;
  spreadMs: number;
  urgent: boolean;
}

/**
 * A queue that counts what it holds, and works some of it off whenever somebody sleeps. Time passes by sleeping alone.
 */
export function createCountingQueue({
  perSleep = 1_000,
  startsAt = new Date('2030-01-01T00:00:00Z'),
  queued = [] as string[],
} = {}) {
  let now = startsAt.getTime();
  let ready = 0;
  const delayed: number[] = [];
  const queue = {
    added: 0,
    mostReady: 0,
    mostDelayed: 0,
    largestBatch: 0,
    /** The latest time any of them may have been given. */
    latest: 0,
    /** Only the first of them: there may be very many. */
    first: [] as QueuedRefresh[],
    sweepIds: new Set<string | undefined>(),
  };
  const port: Pick<RefreshQueue, 'enqueue' | 'backlog' | 'queued'> = {
    enqueue: async (ids, spreadMs, { urgent = false, sweepId } = {}) => {
      queue.added += ids.length;
      queue.sweepIds.add(sweepId);
      queue.latest = Math.max(queue.latest, now + spreadMs);
      queue.largestBatch = Math.max(queue.largestBatch, ids.length);
      if (queue.first.length < 5_000) queue.first.push(...ids.map((id) => ({ id, spreadMs, urgent })));
      if (spreadMs === 0) ready += ids.length;
      else for (let n = 0; n < ids.length; n++) delayed.push(now + (spreadMs * n) / ids.length);
      queue.mostReady = Math.max(queue.mostReady, ready);
      queue.mostDelayed = Math.max(queue.mostDelayed, delayed.length);
    },
    backlog: async () => ready,
    queued: async () => new Set(queued),
  };
  const sleep = async (ms: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    now += ms;
    for (let n = delayed.length - 1; n >= 0; n--) {
      if ((delayed[n] ?? 0) <= now) {
        delayed.splice(n, 1);
        ready += 1;
      }
    }
    ready = Math.max(0, ready - perSleep);
  };
  return { queue, port, sleep, clock: () => new Date(now) };
}

/** So many due grants of each part, made as they are asked for. */
export function createManyDue(counts: Partial<Record<SweepPart, number>>, urgent: (n: number) => boolean) {
  const log: string[] = [];
  const sweeps: SweepStore = {
    due: async ({ part, after, limit }: DueQuery) => {
      const first = after === null ? 0 : Number(after.id) + 1;
      const end = Math.min(counts[part] ?? 0, first + limit);
      const grants: DueGrant[] = [];
      for (let n = first; n < end; n++) grants.push({ id: `${part}-${n}`, urgent: part === 'expiring' && urgent(n) });
      return { grants, next: grants.length === limit ? { at: new Date(0), id: String(end - 1) } : null };
    },
    begin: async () => {
      log.push('begin');
      return 'begun';
    },
    progress: async () => {},
    finish: async (_id, { found, enqueued }) => void log.push(`finish ${found} ${enqueued}`),
    giveUp: async () => void log.push('giveUp'),
    count: async () => {},
    last: async () => null,
  };
  return { sweeps, log };
}
