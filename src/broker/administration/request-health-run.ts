import type { Caller, Trace } from '../../domain/callers/caller.ts';
import { isBrokerError } from '../../domain/errors.ts';
import type { HealthRun, HealthRunStore } from '../../domain/ports/maintenance/health-runs.ts';
import type { RefreshQueue } from '../../domain/ports/maintenance/queue.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { NewId } from '../../domain/ports/tokens.ts';
import { refreshIsOff } from '../refresh-is-off.ts';

/** Requests a check of all grants. Returns the unfinished run if there is one. Throws connection_not_ready if REFRESH_MODE is off. */
export type RequestHealthRun = (caller: Caller, trace: Trace) => Promise<HealthRun>;

/** Queues the unfinished run if no process checks it: its worker was killed, or the queue has lost it. */
export type ResumeHealthRun = () => Promise<void>;

export interface RequestHealthRunDeps {
  database: Database;
  runs: Pick<HealthRunStore, 'request' | 'isWaiting'>;
  queue: Pick<RefreshQueue, 'enqueueHealthRun'>;
  newId: NewId;
  clock: () => Date;
  /** False with REFRESH_MODE=off: such an installation runs no jobs. */
  callsTokenEndpoints: boolean;
}

export function createRequestHealthRun(deps: RequestHealthRunDeps): RequestHealthRun {
  const { database, runs, queue, newId, clock, callsTokenEndpoints } = deps;
  return async (caller, trace) => {
    // A run concerns no single connection. These values do not restrict any.
    if (!callsTokenEndpoints) throw refreshIsOff({ status: 'completed', statusReason: null });
    const { run, isNew } = await runs.request(newId());
    await database.write(null, ({ audit }) =>
      audit.append({
        time: clock(),
        actor: caller.id,
        action: 'health_run.requested',
        connectionId: null,
        connectionName: null,
        grantId: null,
        outcome: 'success',
        details: { run_id: run.id, is_new: isNew },
        ...trace,
      }),
    );
    if (run.isRunning) return run;
    try {
      await queue.enqueueHealthRun();
    } catch (error) {
      // The run is stored. A worker queues it once the queue works again.
      if (!isBrokerError(error, 'service_unavailable')) throw error;
    }
    return run;
  };
}

export function createResumeHealthRun({ runs, queue }: Pick<RequestHealthRunDeps, 'runs' | 'queue'>): ResumeHealthRun {
  return async () => {
    if (await runs.isWaiting()) await queue.enqueueHealthRun();
  };
}
