import type { Caller, Trace } from '../../domain/callers/caller.ts';
import type { RefreshQueue } from '../../domain/ports/maintenance/queue.ts';
import type { SweepStatus, SweepStore } from '../../domain/ports/maintenance/sweeps.ts';
import type { Database } from '../../domain/ports/stores.ts';
import { refreshIsOff } from '../refresh-is-off.ts';

/** `running`: a sweep was active, so none was queued. `sweep`: the active one, or the one that began last. */
export interface RequestedSweep {
  state: 'queued' | 'running';
  sweep: SweepStatus | null;
}

/** Queues a sweep for a worker unless one is active. Throws connection_not_ready if REFRESH_MODE is off, service_unavailable. */
export type RequestSweep = (caller: Caller, trace: Trace) => Promise<RequestedSweep>;

export interface RequestSweepDeps {
  database: Database;
  sweeps: Pick<SweepStore, 'last'>;
  queue: Pick<RefreshQueue, 'enqueueSweepOnDemand'>;
  clock: () => Date;
  callsTokenEndpoints: boolean;
}

export function createRequestSweep({
  database,
  sweeps,
  queue,
  clock,
  callsTokenEndpoints,
}: RequestSweepDeps): RequestSweep {
  return async (caller, trace) => {
    // A sweep concerns no single connection. These values do not restrict any.
    if (!callsTokenEndpoints) throw refreshIsOff({ status: 'completed', statusReason: null });
    const sweep = await sweeps.last();
    const state = sweep?.isRunning === true ? 'running' : 'queued';
    // Written before the job: an event without a sweep is true, a sweep without an event is not traceable.
    await database.write(null, ({ audit }) =>
      audit.append({
        time: clock(),
        actor: caller.id,
        action: 'sweep.requested',
        connectionId: null,
        connectionName: null,
        grantId: null,
        outcome: 'success',
        details: { state },
        ...trace,
      }),
    );
    if (state === 'queued') await queue.enqueueSweepOnDemand();
    return { state, sweep };
  };
}
