import type { FairPlaces } from './fair-places.ts';
import type { JobData, PeriodicKind } from './job-kinds.ts';
import type { createRunBatch } from './run-batch.ts';

/**
 * Work of each kind of job. `signal` aborts when the process ends; long work then rejects, and another process runs it.
 */
export interface JobHandlers {
  sweep(signal: AbortSignal, onDemand: boolean): Promise<void>;
  checkHealth(signal: AbortSignal): Promise<void>;
  runHealthChecks(signal: AbortSignal): Promise<void>;
  warnOfExpiry(signal: AbortSignal): Promise<void>;
  maintainAudit(): Promise<void>;
  revokePending(signal: AbortSignal): Promise<void>;
  refresh(grantId: string, sweepId: string | null): Promise<void>;
  refreshAhead(grantId: string, version: number): Promise<void>;
}

/** Delays the job: its organisation holds its whole share of the places. */
export class JobPostponed extends Error {}

/** Runs one job. Throws JobPostponed, BatchInterrupted. `keep` replaces the data of the job for the process that runs it again. */
export type RunJob = (name: string, data: JobData, keep: (data: JobData) => Promise<void>) => Promise<void>;

export interface RunJobDeps {
  handlers: JobHandlers;
  runBatch: ReturnType<typeof createRunBatch>;
  /** Places for refreshes ahead of expiry. */
  aheadPlaces: FairPlaces;
  enqueuePeriodic: (kind: PeriodicKind) => Promise<void>;
  ending: AbortSignal;
}

export function createRunJob({ handlers, runBatch, aheadPlaces, enqueuePeriodic, ending }: RunJobDeps): RunJob {
  return async (name, data, keep) => {
    const { grantId, grantIds, sweepId, organizationId = null, version, of, onDemand = false } = data;
    if (name === 'tick' && of !== undefined) return enqueuePeriodic(of);
    if (name === 'sweep') return handlers.sweep(ending, onDemand);
    if (name === 'health') return handlers.checkHealth(ending);
    if (name === 'health-run') return handlers.runHealthChecks(ending);
    if (name === 'expiry') return handlers.warnOfExpiry(ending);
    if (name === 'audit') return handlers.maintainAudit();
    if (name === 'revocation') return handlers.revokePending(ending);
    if (name === 'batch' && grantIds !== undefined) {
      const batch = { grantIds, sweepId: sweepId ?? null, organizationId };
      return runBatch(batch, (remaining) => keep({ ...data, grantIds: remaining }));
    }
    if (name === 'refresh-ahead' && grantId !== undefined && version !== undefined) {
      // Waiting here would hold one of the places for scheduled work.
      if (aheadPlaces.isAtShare(organizationId)) throw new JobPostponed();
      return aheadPlaces.run(organizationId, () => handlers.refreshAhead(grantId, version));
    }
    if (name === 'probe') return;
    throw new Error(`There is no job called ${name}.`);
  };
}
