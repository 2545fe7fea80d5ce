import { type Caller, requireWholeInstallation } from '../../../domain/callers/caller.ts';
import { isBrokerError } from '../../../domain/errors.ts';
import type { InstallationReadings, QueueReadings } from '../../../domain/ports/monitoring/readings.ts';

export interface QueueState {
  isUp: boolean;
  /** Null if the queue cannot be read. */
  queues: readonly QueueReadings[] | null;
}

/** Reads the jobs that the queue holds. Throws forbidden unless the caller reaches the whole installation. */
export type ReadQueue = (caller: Caller) => Promise<QueueState>;

export function createReadQueue({
  readings,
}: {
  readings: Pick<InstallationReadings, 'isQueueUp' | 'queues'>;
}): ReadQueue {
  return async (caller) => {
    requireWholeInstallation(caller);
    try {
      return { queues: readings.isQueueUp() ? await readings.queues() : null, isUp: readings.isQueueUp() };
    } catch (error) {
      if (!isBrokerError(error, 'service_unavailable')) throw error;
      return { queues: null, isUp: false };
    }
  };
}
