import { vi } from 'vitest';
import type { Api } from './broker-api.ts';

/**
 * Keeps later sweeps out of a test: 14 days, the longest interval. A sweep refreshes every grant that expires within four
 * hours, which are most grants of tests, and so calls providers at a time that no test expects. The interval also decides
 * which tokens count as short-lived.
 */
export const withoutLaterSweeps = { REFRESH_INTERVAL_MINUTES: '20160' };

/** Waits for the end of the sweep that a worker begins at its first start. */
export async function awaitFirstSweep(api: Api): Promise<void> {
  const ended = async () => {
    const { body } = await api.get('/admin/refresh/status');
    const sweeps = body.sweeps as { finished_at: string | null }[];
    return sweeps.length > 0 && sweeps.every(({ finished_at }) => finished_at !== null);
  };
  // Also used in hooks, where expect.poll is not allowed.
  await vi.waitUntil(ended, { timeout: 60_000, interval: 50 });
}
