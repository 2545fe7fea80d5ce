import type { Intervals } from '../../src/jobs/clocks.ts';
import { createJobs, type Jobs } from '../../src/jobs/create-jobs.ts';
import type { QueueLocation } from '../../src/jobs/queue-server.ts';
import type { JobHandlers } from '../../src/jobs/run-job.ts';

export const hourMs = 3_600_000;

export interface Recorded {
  jobs: Jobs;
  sweeps: number;
  refreshed: string[];
  /** Grant and version of each, in order. */
  refreshedAhead: string[];
  healthChecks: number;
  forecasts: number;
  warnings: string[];
}

/** One process's background work, with what it did. */
export function record(
  location: QueueLocation,
  options: {
    sweepIntervalMs?: number;
    intervals?: Partial<Intervals>;
    concurrency?: number;
    handlers?: Partial<JobHandlers>;
  } = {},
): Recorded {
  const recorded: Recorded = {
    sweeps: 0,
    refreshed: [],
    refreshedAhead: [],
    healthChecks: 0,
    forecasts: 0,
    warnings: [],
    jobs: createJobs({
      location,
      intervals: { sweep: options.sweepIntervalMs ?? hourMs, health: hourMs, forecast: hourMs, ...options.intervals },
      concurrency: options.concurrency ?? 4,
      log: {
        info: () => {},
        warn: (fields, message) => recorded.warnings.push(`${message} ${JSON.stringify(fields)}`),
      },
      handlers: {
        sweep: async (signal) => {
          recorded.sweeps += 1;
          await options.handlers?.sweep?.(signal);
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
        forecast: async (signal) => {
          recorded.forecasts += 1;
          await options.handlers?.forecast?.(signal);
        },
      },
    }),
  };
  return recorded;
}
