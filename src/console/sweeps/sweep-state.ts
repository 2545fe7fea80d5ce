import type { SweepStatus } from '../../domain/ports/maintenance/sweeps.ts';
import type { Tone } from '../layout/status.ts';

export interface SweepState {
  tone: Tone;
  word: string;
  isUnderWay: boolean;
}

/** Refreshes of the sweep that ended, whatever their outcome. */
export function refreshed({ refreshed, failed, skipped }: SweepStatus): number {
  return refreshed + failed + skipped;
}

/**
 * Names the state of a sweep. Its refreshes go on after it has ended. A refresh that was lost with its process is never
 * counted, so only the newest sweep counts as under way.
 */
export function stateOf(sweep: SweepStatus, isNewest: boolean): SweepState {
  const { isRunning, finishedAt, enqueued } = sweep;
  if (isRunning) return { tone: 'warn', word: 'Running', isUnderWay: true };
  if (finishedAt === null) return { tone: 'bad', word: 'Broke off', isUnderWay: false };
  if (isNewest && refreshed(sweep) < enqueued) return { tone: 'warn', word: 'Refreshes go on', isUnderWay: true };
  return { tone: 'good', word: 'Ended', isUnderWay: false };
}
