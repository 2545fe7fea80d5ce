import type { NewId } from '../domain/ports/tokens.ts';
import {
  type DueGrant,
  type RefreshQueue,
  type SweepCursor,
  type SweepPart,
  type SweepProgress,
  type SweepStore,
  sweepParts,
} from '../domain/ports/upkeep.ts';
import type { RefreshSchedule } from '../domain/refresh-policy.ts';

/**
 * Hands every due grant to the queue, a page at a time and never more than the queue's room, however many are due.
 * Null where another process sweeps at this time, or has just done so. Rejects, and lets another begin at once, where
 * `signal` says that this process ends.
 */
export type SweepDueGrants = (signal: AbortSignal) => Promise<SweepProgress | null>;

export interface SweepDueGrantsDeps {
  sweeps: SweepStore;
  queue: Pick<RefreshQueue, 'enqueue' | 'backlog' | 'queued'>;
  newId: NewId;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  schedule: RefreshSchedule;
}

const pageSize = 500;
/** Share of the interval over which the refreshes of one sweep are spread, so that providers see no thundering herd. */
const spreadShare = 0.2;
/** The first so many make no herd: what is running at once is bounded anyway. */
const spreadAfter = pageSize;
/** Two sweeps that begin within this share of the interval are one. */
const pauseShare = 0.1;
/** Past so many grants that wait for a worker, or for their time, the rest of the sweep waits outside the queue. */
const maxBacklog = 5_000;
const maxSpread = 10_000;
const pollMs = 250;

interface Sweep {
  id: string;
  now: Date;
  spreadUntil: number;
  /** What an earlier sweep handed over and is not done with yet: nothing is queued twice. */
  queued: ReadonlySet<string>;
  /** How many were given a later time than now. */
  spread: number;
  progress: SweepProgress;
  signal: AbortSignal;
}

export function createSweepDueGrants(deps: SweepDueGrantsDeps): SweepDueGrants {
  const { sweeps, queue, newId, clock, schedule } = deps;
  return async (signal) => {
    const id = newId();
    if (!(await begin(deps, id, signal))) return null;
    const now = clock();
    const progress = { found: 0, enqueued: 0 };
    const spreadUntil = now.getTime() + schedule.intervalMs * spreadShare;
    try {
      // Only sweeps enqueue grants, one sweep at a time: asked once, this holds until it ends.
      const queued = await queue.queued();
      const sweep: Sweep = { id, now, spreadUntil, queued, spread: 0, progress, signal };
      for (const part of sweepParts) await sweepPart(deps, sweep, part);
    } catch (error) {
      // Where this fails too, the sweep falls silent, and counts as broken off a little later.
      await sweeps.giveUp(id).catch(() => undefined);
      throw error;
    }
    await sweeps.finish(id, progress);
    return progress;
  };
}

/** A sweep at work is waited for: where it breaks off, this one takes its place. */
async function begin(
  { sweeps, schedule, sleep }: SweepDueGrantsDeps,
  id: string,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const answer = await sweeps.begin(id, schedule.intervalMs * pauseShare);
    if (answer !== 'running') return answer === 'begun';
    await sleep(pollMs, signal);
  }
}

async function sweepPart(deps: SweepDueGrantsDeps, sweep: Sweep, part: SweepPart): Promise<void> {
  const { sweeps, schedule } = deps;
  let after: SweepCursor | null = null;
  do {
    sweep.signal.throwIfAborted();
    const page: Awaited<ReturnType<SweepStore['due']>> = await sweeps.due({
      ...schedule,
      part,
      now: sweep.now,
      after,
      limit: pageSize,
    });
    if (page.grants.length > 0) await handOver(deps, sweep, page.grants);
    after = page.next;
  } while (after !== null);
}

async function handOver(deps: SweepDueGrantsDeps, sweep: Sweep, grants: readonly DueGrant[]): Promise<void> {
  const { sweeps, queue, clock } = deps;
  sweep.progress.found += grants.length;
  await waitForRoom(deps, sweep);
  const isHerd = sweep.progress.found > spreadAfter;
  const spreadMs = isHerd ? Math.max(0, sweep.spreadUntil - clock().getTime()) : 0;
  const fresh = grants.filter(({ id }) => !sweep.queued.has(id));
  const urgent = fresh.filter((grant) => grant.urgent).map(({ id }) => id);
  const others = fresh.filter((grant) => !grant.urgent).map(({ id }) => id);
  if (urgent.length > 0) await queue.enqueue(urgent, 0, { urgent: true, sweepId: sweep.id });
  if (others.length > 0) await queue.enqueue(others, spreadMs, { sweepId: sweep.id });
  if (spreadMs > 0) sweep.spread += others.length;
  sweep.progress.enqueued += fresh.length;
  await sweeps.progress(sweep.id, sweep.progress);
}

async function waitForRoom({ sweeps, queue, clock, sleep }: SweepDueGrantsDeps, sweep: Sweep): Promise<void> {
  const isSpread = () => sweep.spread >= maxSpread && clock().getTime() < sweep.spreadUntil;
  while (isSpread() || (await queue.backlog()) >= maxBacklog) {
    await sleep(pollMs, sweep.signal);
    await sweeps.progress(sweep.id, sweep.progress);
  }
}

/** Whether a sweep was missed or broken off while nothing ran: asked at start, since the next tick may be a whole interval away. */
export async function isSweepOverdue({
  sweeps,
  clock,
  schedule,
}: Pick<SweepDueGrantsDeps, 'sweeps' | 'clock' | 'schedule'>): Promise<boolean> {
  const last = await sweeps.last();
  if (last === null) return true;
  if (last.isRunning) return false;
  return last.finishedAt === null || clock().getTime() - last.startedAt.getTime() >= schedule.intervalMs;
}
