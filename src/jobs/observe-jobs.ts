import type { OnJobEnd } from '../domain/ports/monitoring/observations.ts';
import { BatchInterrupted } from './run-batch.ts';
import { JobPostponed, type RunJob } from './run-job.ts';

/** Reports each job when it ends. */
export function observeJobs(run: RunJob, onJobEnd: OnJobEnd): RunJob {
  return async (name, data, keep) => {
    const startedAt = performance.now();
    const seconds = () => (performance.now() - startedAt) / 1000;
    try {
      await run(name, data, keep);
    } catch (error) {
      onJobEnd({ kind: name, result: resultOf(error), seconds: seconds() });
      throw error;
    }
    onJobEnd({ kind: name, result: 'completed', seconds: seconds() });
  };
}

function resultOf(error: unknown): 'postponed' | 'interrupted' | 'failed' {
  if (error instanceof JobPostponed) return 'postponed';
  return error instanceof BatchInterrupted ? 'interrupted' : 'failed';
}
