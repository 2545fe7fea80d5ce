import { createLog } from '../../../src/app/log/log.ts';
import type { OnJobEnd } from '../../../src/domain/ports/monitoring/observations.ts';
import { createJobs, type Jobs } from '../../../src/jobs/create-jobs.ts';
import type { QueueLocation } from '../../../src/jobs/queue/queue-server.ts';
import type { JobHandlers } from '../../../src/jobs/run-job.ts';
import type { Intervals } from '../../../src/jobs/schedules.ts';

/** Installation of all processes of a test, unless it names another one. */
export const testInstallationId = '01980c2e-6f5a-7c31-9b0e-0d6d6f1c2a99';
export const hourMs = 3_600_000;

export interface Recorded {
  jobs: Jobs;
  sweeps: number;
  refreshed: string[];
  /** Grant and version of each refresh ahead, in order. */
  refreshedAhead: string[];
  healthChecks: number;
  expiries: number;
  /** Lines of the log. */
  warnings: string[];
}

/** Creates the background work of one process and records what runs. */
export function record(
  location: QueueLocation,
  options: {
    sweepIntervalMs?: number;
    intervals?: Partial<Intervals>;
    concurrency?: number;
    installationId?: string;
    handlers?: Partial<JobHandlers>;
    onJobEnd?: OnJobEnd;
  } = {},
): Recorded {
  const recorded: Recorded = {
    sweeps: 0,
    refreshed: [],
    refreshedAhead: [],
    healthChecks: 0,
    expiries: 0,
    warnings: [],
    jobs: createJobs({
      location,
      installationId: async () => options.installationId ?? testInstallationId,
      intervals: {
        sweep: options.sweepIntervalMs ?? hourMs,
        health: hourMs,
        expiry: hourMs,
        audit: hourMs,
        revocation: hourMs,
        ...options.intervals,
      },
      concurrency: options.concurrency ?? 4,
      ...(options.onJobEnd !== undefined && { onJobEnd: options.onJobEnd }),
      log: createLog('warn', { write: (line) => void recorded.warnings.push(line) }),
      handlers: {
        sweep: async (signal, onDemand) => {
          recorded.sweeps += 1;
          await options.handlers?.sweep?.(signal, onDemand);
        },
        refresh: async (grantId, sweepId) => {
          recorded.refreshed.push(grantId);
          await options.handlers?.refresh?.(grantId, sweepId);
        },
        refreshAhead: async (grantId, version) => {
          recorded.refreshedAhead.push(`${grantId} ${version}`);
          await options.handlers?.refreshAhead?.(grantId, version);
        },
        checkHealth: async (signal) => {
          recorded.healthChecks += 1;
          await options.handlers?.checkHealth?.(signal);
        },
        runHealthChecks: async (signal) => options.handlers?.runHealthChecks?.(signal),
        warnOfExpiry: async (signal) => {
          recorded.expiries += 1;
          await options.handlers?.warnOfExpiry?.(signal);
        },
        revokePending: async (signal) => options.handlers?.revokePending?.(signal),
        maintainAudit: async () => options.handlers?.maintainAudit?.(),
      },
    }),
  };
  return recorded;
}
