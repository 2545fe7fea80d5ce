import type { JobData, PeriodicKind } from './job-kinds.ts';
import type { createRunLot } from './run-lot.ts';

/** What the jobs do. `signal` is aborted when the process ends: whatever takes long should then reject, to be run again elsewhere. */
export interface JobHandlers {
  sweep(signal: AbortSignal): Promise<void>;
  checkHealth(signal: AbortSignal): Promise<void>;
  forecast(signal: AbortSignal): Promise<void>;
  refresh(grantId: string, sweepId: string | null): Promise<void>;
  refreshAhead(grantId: string, version: number): Promise<void>;
}

/** `keep` replaces what the job says of itself, for whoever runs it again. */
export type RunJob = (name: string, data: JobData, keep: (data: JobData) => Promise<void>) => Promise<void>;

export interface RunJobDeps {
  handlers: JobHandlers;
  runLot: ReturnType<typeof createRunLot>;
  enqueuePeriodic: (kind: PeriodicKind) => Promise<void>;
  ending: AbortSignal;
}

export function createRunJob({ handlers, runLot, enqueuePeriodic, ending }: RunJobDeps): RunJob {
  return async (name, data, keep) => {
    const { grantId, grantIds, sweepId, version, of } = data;
    if (name === 'tick' && of !== undefined) return enqueuePeriodic(of);
    if (name === 'sweep') return handlers.sweep(ending);
    if (name === 'health') return handlers.checkHealth(ending);
    if (name === 'forecast') return handlers.forecast(ending);
    if (name === 'lot' && grantIds !== undefined) {
      return runLot({ grantIds, sweepId: sweepId ?? null }, (left) => keep({ ...data, grantIds: left }));
    }
    if (name === 'refresh-ahead' && grantId !== undefined && version !== undefined) {
      return handlers.refreshAhead(grantId, version);
    }
    throw new Error(`There is no job called ${name}.`);
  };
}
