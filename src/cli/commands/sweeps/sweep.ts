import type { Api } from '../../api.ts';
import { relativeTime } from '../../output/relative-time.ts';

export interface Sweep {
  id: string;
  is_running: boolean;
  started_at: string;
  finished_at: string | null;
  seconds: number | null;
  found: number;
  enqueued: number;
  refreshed: number;
  failed: number;
  skipped: number;
}

export interface SweepStatus {
  is_running: boolean;
  sweeps: Sweep[];
}

export async function readSweeps(api: Api, limit: number): Promise<SweepStatus> {
  return (await api.call<SweepStatus>({ method: 'GET', path: '/admin/refresh/status', query: { limit } })).body;
}

export function sweepText({ found, refreshed, failed, skipped }: Sweep): string {
  return `${found} found, ${refreshed} refreshed, ${failed} failed, ${skipped} skipped`;
}

export function sweepFacts(sweep: Sweep): [string, unknown][] {
  return [
    ['sweep', sweep.id],
    ['running', sweep.is_running],
    ['started', relativeTime(sweep.started_at)],
    ['seconds', sweep.seconds],
    ['found', sweep.found],
    ['refreshed', sweep.refreshed],
    ['failed', sweep.failed],
    ['skipped', sweep.skipped],
  ];
}
