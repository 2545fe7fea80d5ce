import { type Check, failed, ok, skipped, warning } from '../check.ts';
import type { Ground } from '../ground.ts';

/** Checks that background work runs. Without it no token is refreshed ahead of its expiry. */
export const workersCheck: Check = {
  name: 'workers',
  async run(ground) {
    const { service, ago } = ground;
    if (service.state !== 'answers') return skipped('Not known: the service does not answer.');
    const { health, readiness } = service;
    const { workers, last_sweep_at: sweptAt } = health;
    if (workers === null || !readiness.migrated) return skipped('Not known: the service waits for its database.');
    if (health.refresh_mode === 'off') {
      return warning(
        'REFRESH_MODE is off: no token is refreshed.',
        'Leave it on a copy. On an original, remove it and restart.',
      );
    }
    if (workers === 0) return noWorker(ground);
    const isOtherwiseWell = health.queue === 'ok' && health.unsaved_tokens === 0 && health.database === 'ok';
    if (health.status === 'degraded' && isOtherwiseWell) {
      return failed(
        `${countOf(workers)}, and the last sweep ended ${ago(sweptAt)}: longer ago than two intervals.`,
        'Start one with token-broker sweep run, and read the log of the worker.',
      );
    }
    const swept = sweptAt === null ? 'No sweep has ended yet' : `The last sweep ended ${ago(sweptAt)}`;
    return ok(`${countOf(workers)}. ${swept}.`);
  },
};

function noWorker({ startFailures }: Ground) {
  const failure = startFailures.find(({ role }) => role !== 'api');
  const reason = failure === undefined ? '' : ` The last start of one ended: ${failure.message}`;
  return failed(`No worker is alive.${reason}`, 'Start a process with ROLE=worker, or with ROLE=all.');
}

function countOf(workers: number): string {
  return workers === 1 ? '1 worker is alive' : `${workers} workers are alive`;
}
