import type { OrganizationId } from '../../../src/domain/connections/connection.ts';
import type { RefreshQueue } from '../../../src/domain/ports/maintenance/queue.ts';
import {
  type DueLane,
  type SweepPart,
  type SweepStore,
  sweepParts,
} from '../../../src/domain/ports/maintenance/sweeps.ts';

interface Job {
  at: number;
  organizationId: OrganizationId;
  batch: number;
}

export interface QueuedRefresh {
  id: string;
  organizationId: OrganizationId;
  spreadMs: number;
  urgent: boolean;
}

/**
 * Simulates a queue that counts its jobs. Each sleep moves the clock and works off up to `perSleep` ready jobs.
 */
export function createCountingQueue({
  perSleep = 1_000,
  startsAt = new Date('2030-01-01T00:00:00Z'),
  queued = [] as string[],
  /** Organisations whose jobs never end. */
  hanging = new Set<OrganizationId>(),
} = {}) {
  let now = startsAt.getTime();
  const jobs: Job[] = [];
  const isReady = ({ at }: Job) => at <= now;
  const queue = {
    added: 0,
    mostReady: 0,
    mostDelayed: 0,
    largestBatch: 0,
    /** The most batches that one organisation had in the queue at once. */
    mostBatches: 0,
    /** The latest time at which a job may run, in milliseconds. */
    latest: 0,
    /** The first 5,000 jobs: a test may add 100,000. */
    first: [] as QueuedRefresh[],
    sweepIds: new Set<string | undefined>(),
  };
  async function batches(): Promise<Map<OrganizationId, number>> {
    const ofOrganization = Map.groupBy(jobs, ({ organizationId }) => organizationId);
    return new Map([...ofOrganization].map(([id, own]) => [id, new Set(own.map(({ batch }) => batch)).size]));
  }
  let made = 0;
  const port: Pick<RefreshQueue, 'enqueue' | 'backlog' | 'batches' | 'queued'> = {
    enqueue: async (ids, spreadMs, { urgent = false, sweepId, organizationId = null } = {}) => {
      made += 1;
      queue.added += ids.length;
      queue.sweepIds.add(sweepId);
      queue.latest = Math.max(queue.latest, now + spreadMs);
      queue.largestBatch = Math.max(queue.largestBatch, ids.length);
      if (queue.first.length < 5_000) queue.first.push(...ids.map((id) => ({ id, organizationId, spreadMs, urgent })));
      const at = now + spreadMs / 2;
      jobs.push(...ids.map(() => ({ at, organizationId, batch: made })));
      const ready = jobs.filter(isReady).length;
      queue.mostReady = Math.max(queue.mostReady, ready);
      queue.mostDelayed = Math.max(queue.mostDelayed, jobs.length - ready);
      queue.mostBatches = Math.max(queue.mostBatches, (await batches()).get(organizationId) ?? 0);
    },
    backlog: async () => jobs.filter(isReady).length,
    batches,
    queued: async () => new Set(queued),
  };
  const sleep = async (ms: number, signal: AbortSignal) => {
    signal.throwIfAborted();
    now += ms;
    const done = new Set(jobs.filter((job) => isReady(job) && !hanging.has(job.organizationId)).slice(0, perSleep));
    jobs.splice(0, jobs.length, ...jobs.filter((job) => !done.has(job)));
  };
  return { queue, port, sleep, clock: () => new Date(now) };
}

export interface ManyDue extends Partial<Record<SweepPart, number>> {
  organizationId?: OrganizationId;
  connectionId?: string;
}

/**
 * A sweep store with so many due grants of each part and connection. Grants are named by part and number, behind the
 * name of their connection if they have one. It logs begin and end of sweeps.
 */
export function createManyDue(counts: ManyDue | readonly ManyDue[], urgent: (n: number) => boolean) {
  const log: string[] = [];
  const lists = new Map<string, { lane: DueLane; ids: string[] }>();

  function list({ organizationId = null, connectionId = '', ...parts }: ManyDue, part: SweepPart): number {
    const count = parts[part] ?? 0;
    for (let n = 0; n < count; n++) {
      const lane = { organizationId, connectionId, urgent: part === 'expiring' && urgent(n) };
      const key = JSON.stringify(lane);
      const found = lists.get(key) ?? { lane, ids: [] };
      lists.set(key, found);
      found.ids.push(`${connectionId && `${connectionId}-`}${part}-${n}`);
    }
    return count;
  }

  const sweeps: SweepStore = {
    collect: async (_id, { part }) => {
      if (part === sweepParts[0]) lists.clear();
      const found = [counts].flat().reduce((sum, one) => sum + list(one, part), 0);
      return { found, next: null };
    },
    lanes: async () => [...lists.values()].map(({ lane }) => lane),
    due: async (_id, { organizationId, connectionId, urgent: isUrgent }, { after, limit }) => {
      const { ids } = lists.get(JSON.stringify({ organizationId, connectionId, urgent: isUrgent })) ?? { ids: [] };
      const end = Number(after ?? 0) + limit;
      return { grantIds: ids.slice(Number(after ?? 0), end), next: end <= ids.length ? String(end) : null };
    },
    begin: async () => {
      log.push('begin');
      return 'begun';
    },
    progress: async () => {},
    finish: async (_id, { found, enqueued }) => void log.push(`finish ${found} ${enqueued}`),
    giveUp: async () => void log.push('giveUp'),
    count: async () => {},
    last: async () => null,
    list: async () => [],
  };
  return { sweeps, log };
}
