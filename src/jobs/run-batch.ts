import type { OrganizationId } from '../domain/connections/connection.ts';
import type { FairPlaces } from './fair-places.ts';

export interface Batch {
  grantIds: readonly string[];
  sweepId: string | null;
  organizationId: OrganizationId;
}

export interface RunBatchDeps {
  refresh: (grantId: string, sweepId: string | null) => Promise<void>;
  /** Shared by all batches of this process. */
  places: Pick<FairPlaces, 'run'>;
  ending: AbortSignal;
  onFailed: (grantId: string, error: unknown) => void;
}

/** Fails the job when the process ends before its last grant, so that another process takes the remaining grants. */
export class BatchInterrupted extends Error {
  constructor() {
    super('The process ended before the batch did.');
  }
}

/**
 * Refreshes the grants of a batch; a failed refresh does not stop the others. When the process ends, starts no further
 * refresh, passes the remaining grants to `keep` and throws BatchInterrupted.
 */
export function createRunBatch({ refresh, places, ending, onFailed }: RunBatchDeps) {
  return async (
    { grantIds, sweepId, organizationId }: Batch,
    keep: (remaining: string[]) => Promise<void>,
  ): Promise<void> => {
    const remaining: string[] = [];
    const refreshNext = async (grantId: string) => {
      if (ending.aborted) {
        remaining.push(grantId);
        return;
      }
      try {
        await refresh(grantId, sweepId);
      } catch (error) {
        onFailed(grantId, error);
      }
    };
    await Promise.all(grantIds.map((grantId) => places.run(organizationId, () => refreshNext(grantId))));
    if (remaining.length === 0) return;
    await keep(remaining);
    throw new BatchInterrupted();
  };
}
