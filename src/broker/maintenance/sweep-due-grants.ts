import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { RefreshSchedule } from '../../domain/grants/refresh-policy.ts';
import type { SweepCursor } from '../../domain/ports/maintenance/lanes.ts';
import type { RefreshQueue } from '../../domain/ports/maintenance/queue.ts';
import {
  type SweepPart,
  type SweepProgress,
  type SweepStore,
  sweepParts,
} from '../../domain/ports/maintenance/sweeps.ts';
import type { NewId } from '../../domain/ports/tokens.ts';
import { type DueBatch, type DueGrants, openDueGrants } from './deal-due-grants.ts';

/**
 * Enqueues every due grant, in turns by organisation and connection, and waits while the queue is full. Returns null if
 * another process has just swept and this one is not `onDemand`. Rejects when `signal` aborts; another process may then
 * sweep at once.
 */
export type SweepDueGrants = (signal: AbortSignal, options?: { onDemand: boolean }) => Promise<SweepProgress | null>;

export interface SweepDueGrantsDeps {
  sweeps: SweepStore;
  queue: Pick<RefreshQueue, 'enqueue' | 'backlog' | 'batches' | 'queued'>;
  newId: NewId;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  schedule: RefreshSchedule;
}

/** Grants that one statement adds to the list. Each statement must end well within the statement timeout. */
const pageSize = 5_000;
/** Grants of one turn of an organisation. A smaller turn costs more jobs, a larger one delays the next organisation. */
const turnSize = 100;
/** Share of the interval over which the refreshes of one sweep are spread, so that providers see no burst. */
const spreadShare = 0.2;
/** Number of grants that are not spread: the limit of concurrent calls already bounds their burst. */
const spreadAfter = 500;
/** Share of the interval within which a second sweep is skipped. A larger share could skip a regular sweep. */
const pauseShare = 0.1;
/** Maximum number of ready jobs in the queue. Beyond it the sweep waits, so that the queue's memory is bounded. */
const maxBacklog = 5_000;
/** Maximum number of delayed jobs in the queue, for the same reason. */
const maxSpread = 10_000;
/**
 * Maximum unfinished batches of one organisation: a quarter of the batches that a process runs at once. With more, slow
 * calls of one organisation could hold all places for batches.
 */
const maxBatches = 10;
/** Grants after which a turn records its progress. A turn of thousands of organisations would seem broken off. */
const recordEvery = 500;
/** Interval in which a waiting sweep checks again, in milliseconds. */
const pollMs = 250;

interface Sweep {
  id: string;
  now: Date;
  spreadUntil: number;
  /** Grants of earlier sweeps that are not finished. They are not enqueued again. */
  queued: ReadonlySet<string>;
  /** Number of grants dealt out. */
  dealt: number;
  /** Number of grants enqueued with a delay. */
  spread: number;
  progress: SweepProgress;
  /** Number of grants dealt out when the progress was last recorded. */
  recorded: number;
  signal: AbortSignal;
}

export function createSweepDueGrants(deps: SweepDueGrantsDeps): SweepDueGrants {
  const { sweeps, queue, newId, clock, schedule } = deps;
  return async (signal, { onDemand } = { onDemand: false }) => {
    const id = newId();
    const pauseMs = onDemand ? 0 : schedule.intervalMs * pauseShare;
    if (!(await begin(deps, id, pauseMs, signal))) return null;
    const now = clock();
    const progress = { found: 0, enqueued: 0 };
    const spreadUntil = now.getTime() + schedule.intervalMs * spreadShare;
    try {
      // Only sweeps enqueue grants, one sweep at a time, so this set stays valid until the sweep ends.
      const queued = await queue.queued();
      const sweep: Sweep = { id, now, spreadUntil, queued, dealt: 0, spread: 0, progress, recorded: 0, signal };
      for (const part of sweepParts) await collectPart(deps, sweep, part);
      await dealAll(deps, sweep);
    } catch (error) {
      // If this fails too, the sweep reports no progress and later counts as broken off.
      await sweeps.giveUp(id).catch(() => undefined);
      throw error;
    }
    await sweeps.finish(id, progress);
    return progress;
  };
}

/** Begins the sweep. Waits for an active sweep of another process and replaces it if it breaks off. */
async function begin(
  { sweeps, sleep }: SweepDueGrantsDeps,
  id: string,
  pauseMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const result = await sweeps.begin(id, pauseMs);
    if (result !== 'running') return result === 'begun';
    await sleep(pollMs, signal);
  }
}

/** Lists the due grants of one part. */
async function collectPart({ sweeps, schedule }: SweepDueGrantsDeps, sweep: Sweep, part: SweepPart): Promise<void> {
  const { id, now, progress, signal } = sweep;
  let after: SweepCursor | null = null;
  do {
    signal.throwIfAborted();
    const page: Awaited<ReturnType<SweepStore['collect']>> = await sweeps.collect(id, {
      ...schedule,
      part,
      now,
      after,
      limit: pageSize,
    });
    progress.found += page.found;
    await sweeps.progress(id, progress);
    after = page.next;
  } while (after !== null);
}

/** Enqueues the listed grants, one batch of each organisation in turn, as far as the queue has room. */
async function dealAll(deps: SweepDueGrantsDeps, sweep: Sweep): Promise<void> {
  const { sweeps, queue, sleep } = deps;
  const due = await openDueGrants(sweeps, sweep.id);
  for (;;) {
    const room = { ready: maxBacklog - (await queue.backlog()), batches: new Map(await queue.batches()) };
    while (await dealTurn(deps, sweep, due, room));
    await recordProgress(deps, sweep);
    if (due.organizations().length === 0) return;
    await sleep(pollMs, sweep.signal);
  }
}

interface Room {
  /** Number of grants that may be enqueued without a delay. */
  ready: number;
  batches: Map<OrganizationId, number>;
}

/** Returns false if no organisation got a batch. */
async function dealTurn(deps: SweepDueGrantsDeps, sweep: Sweep, due: DueGrants, room: Room): Promise<boolean> {
  let isDealt = false;
  for (const organizationId of due.organizations()) {
    sweep.signal.throwIfAborted();
    const batches = room.batches.get(organizationId) ?? 0;
    const isFull = room.ready <= 0 || (!due.isUrgent(organizationId) && isSpreadFull(deps, sweep));
    if (batches >= maxBatches || isFull) continue;
    const { urgent, grantIds } = await due.next(organizationId, turnSize);
    const spreadMs = await enqueue(deps, sweep, { organizationId, urgent, grantIds });
    room.batches.set(organizationId, batches + 1);
    if (spreadMs === 0) room.ready -= grantIds.length;
    isDealt = true;
    if (sweep.dealt - sweep.recorded >= recordEvery) await recordProgress(deps, sweep);
  }
  return isDealt;
}

async function recordProgress({ sweeps }: SweepDueGrantsDeps, sweep: Sweep): Promise<void> {
  sweep.recorded = sweep.dealt;
  await sweeps.progress(sweep.id, sweep.progress);
}

function isSpreadFull({ clock }: SweepDueGrantsDeps, { spread, spreadUntil }: Sweep): boolean {
  return spread >= maxSpread && clock().getTime() < spreadUntil;
}

/** Enqueues one batch. Returns the time in milliseconds over which its refreshes are spread. */
async function enqueue({ queue, clock }: SweepDueGrantsDeps, sweep: Sweep, batch: DueBatch): Promise<number> {
  const { organizationId, urgent, grantIds } = batch;
  sweep.dealt += grantIds.length;
  const isHerd = !urgent && sweep.dealt > spreadAfter;
  const spreadMs = isHerd ? Math.max(0, sweep.spreadUntil - clock().getTime()) : 0;
  const fresh = grantIds.filter((id) => !sweep.queued.has(id));
  if (fresh.length > 0) await queue.enqueue(fresh, spreadMs, { urgent, sweepId: sweep.id, organizationId });
  if (spreadMs > 0) sweep.spread += fresh.length;
  sweep.progress.enqueued += fresh.length;
  return spreadMs;
}

/** Checks at start whether a sweep was missed or broke off. The next scheduled one may be a whole interval away. */
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
