import { createJobs, type JobHandlers, type Jobs } from '../../src/jobs/create-jobs.ts';
import type { QueueLocation } from '../../src/jobs/queue-server.ts';

export interface Backend {
  location: QueueLocation;
  /** The same server by another URL. */
  at(url: string): QueueLocation;
  url: string;
  /** As a server that was flushed. */
  empty(): Promise<void>;
  drop(): Promise<void>;
}

export const hourMs = 3_600_000;

export interface Recorded {
  jobs: Jobs;
  sweeps: number;
  refreshed: string[];
  warnings: string[];
}

/** One process's background work, with what it did. */
export function record(
  location: QueueLocation,
  options: { sweepIntervalMs?: number; concurrency?: number; handlers?: Partial<JobHandlers> } = {},
): Recorded {
  const recorded: Recorded = {
    sweeps: 0,
    refreshed: [],
    warnings: [],
    jobs: createJobs({
      location,
      sweepIntervalMs: options.sweepIntervalMs ?? hourMs,
      concurrency: options.concurrency ?? 4,
      log: {
        info: () => {},
        warn: (fields, message) => recorded.warnings.push(`${message} ${JSON.stringify(fields)}`),
      },
      handlers: {
        sweep: async () => {
          recorded.sweeps += 1;
          await options.handlers?.sweep?.();
        },
        refresh: async (grantId) => {
          recorded.refreshed.push(grantId);
          await options.handlers?.refresh?.(grantId);
        },
      },
    }),
  };
  return recorded;
}
