import { z } from 'zod';
import type { RequestedSweep } from '../../../broker/administration/request-sweep.ts';
import type { SweepStatus } from '../../../domain/ports/maintenance/sweeps.ts';
import { time } from '../fields/text.ts';

const count = z.int().min(0);

export const sweep = z
  .object({
    id: z.string(),
    is_running: z.boolean().describe('False if the sweep has finished or was broken off.'),
    started_at: time,
    finished_at: time.nullable().describe('Null while the sweep runs, and permanently if it was broken off.'),
    seconds: z.number().min(0).nullable().describe('Time from start to finish. Null without finished_at.'),
    found: count.describe('Grants that were due.'),
    enqueued: count.describe('Grants that were queued for a refresh. The others were queued already.'),
    refreshed: count.describe('Grants that were refreshed. Counted as refreshes end, also after the sweep.'),
    failed: count.describe('Grants whose refresh failed.'),
    skipped: count.describe('Grants with nothing left to do, or whose provider may not be called yet.'),
  })
  .meta({ id: 'Sweep' });

export const requestedSweep = z
  .object({
    state: z
      .enum(['queued', 'running'])
      .describe('queued: a worker starts a sweep as soon as it is free. running: a sweep is active; none was queued.'),
    sweep: sweep.nullable().describe('The active sweep, or the one that began last; null before the first.'),
  })
  .meta({ id: 'RequestedSweep' });

export const sweepStatus = z
  .object({
    is_running: z.boolean(),
    sweeps: z.array(sweep).describe('The sweeps that began last, newest first.'),
  })
  .meta({ id: 'SweepStatus' });

export function fromSweep({ id, isRunning, startedAt, finishedAt, ...counts }: SweepStatus): z.input<typeof sweep> {
  const { found, enqueued, refreshed, failed, skipped } = counts;
  return {
    id,
    is_running: isRunning,
    started_at: startedAt.toISOString(),
    finished_at: finishedAt?.toISOString() ?? null,
    seconds: finishedAt === null ? null : (finishedAt.getTime() - startedAt.getTime()) / 1000,
    found,
    enqueued,
    refreshed,
    failed,
    skipped,
  };
}

export function fromRequestedSweep({ state, sweep: latest }: RequestedSweep): z.input<typeof requestedSweep> {
  return { state, sweep: latest === null ? null : fromSweep(latest) };
}
