import type { OrganizationId } from '../../../src/domain/connections/connection.ts';
import type { RefreshAhead, RefreshQueue } from '../../../src/domain/ports/maintenance/queue.ts';

export interface MemoryQueueHandlers {
  refresh(grantId: string): Promise<void>;
  refreshAhead(job: RefreshAhead): Promise<void>;
}

export interface MemoryQueue extends RefreshQueue {
  /** Refreshes ahead that were added, each grant and version once. */
  ahead: RefreshAhead[];
  /** Runs jobs that need not wait for their time, those added later too. Spread refreshes never come due. */
  work(handlers: MemoryQueueHandlers): void;
}

export function createMemoryQueue(): MemoryQueue {
  const ready = new Set<string>();
  const spread = new Set<string>();
  const active = new Set<string>();
  const ahead: RefreshAhead[] = [];
  const batches: { organizationId: OrganizationId; grantIds: readonly string[] }[] = [];
  let handlers: MemoryQueueHandlers | undefined;

  async function run(grantId: string): Promise<void> {
    ready.delete(grantId);
    active.add(grantId);
    await handlers?.refresh(grantId);
    active.delete(grantId);
  }

  function runAll(): void {
    if (handlers !== undefined) for (const grantId of [...ready]) void run(grantId);
  }

  return {
    ahead,
    enqueue: async (grantIds, spreadOverMs, { organizationId = null } = {}) => {
      batches.push({ organizationId, grantIds });
      for (const id of grantIds) (spreadOverMs > 0 ? spread : ready).add(id);
      runAll();
    },
    enqueueAhead: async (jobs) => {
      for (const job of jobs) {
        if (ahead.some(({ grantId, version }) => grantId === job.grantId && version === job.version)) continue;
        ahead.push(job);
        void handlers?.refreshAhead(job);
      }
    },
    enqueueSweepOnDemand: async () => {},
    enqueueHealthRun: async () => {},
    backlog: async () => ready.size,
    batches: async () => {
      const counts = new Map<OrganizationId, number>();
      for (const { organizationId, grantIds } of batches) {
        const isUnfinished = grantIds.some((id) => ready.has(id) || spread.has(id) || active.has(id));
        if (isUnfinished) counts.set(organizationId, (counts.get(organizationId) ?? 0) + 1);
      }
      return counts;
    },
    queued: async () => new Set([...ready, ...spread, ...active]),
    work: (workers) => {
      handlers = workers;
      runAll();
      for (const job of ahead) void workers.refreshAhead(job);
    },
  };
}
