import type { JobData, PeriodicKind } from './job-kinds.ts';

/** What the jobs do. `signal` is aborted when the process ends: whatever takes long should then reject, to be run again elsewhere. */
export interface JobHandlers {
  sweep(signal: AbortSignal): Promise<void>;
  checkHealth(signal: AbortSignal): Promise<void>;
  forecast(signal: AbortSignal): Promise<void>;
  refresh(grantId: string, sweepId: string | null): Promise<void>;
  refreshAhead(grantId: string, version: number): Promise<void>;
}

export type RunJob = (name: string, data: JobData) => Promise<void>;

export interface RunJobDeps {
  handlers: JobHandlers;
  enqueuePeriodic: (kind: PeriodicKind) => Promise<void>;
  ending: AbortSignal;
}

export function createRunJob({ handlers, enqueuePeriodic, ending }: RunJobDeps): RunJob {
  return async (name, { grantId, sweepId, version, of }) => {
    if (name === 'tick' && of !== undefined) return enqueuePeriodic(of);
    if (name === 'sweep') return handlers.sweep(ending);
    if (name === 'health') return handlers.checkHealth(ending);
    if (name === 'forecast') return handlers.forecast(ending);
    if (name === 'refresh' && grantId !== undefined) return handlers.refresh(grantId, sweepId ?? null);
    if (name === 'refresh-ahead' && grantId !== undefined && version !== undefined) {
      return handlers.refreshAhead(grantId, version);
    }
    throw new Error(`There is no job called ${name}.`);
  };
}
