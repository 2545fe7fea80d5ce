import { randomUUID } from 'node:crypto';
import type { JobsOptions } from 'bullmq';
import type { OrganizationId } from '../domain/connections/connection.ts';
import type { RefreshAhead } from '../domain/ports/maintenance/queue.ts';

/** Kinds of scheduled work. */
export const periodicKinds = ['sweep', 'health', 'expiry', 'audit', 'revocation'] as const;
export type PeriodicKind = (typeof periodicKinds)[number];

/**
 * tick: job of a scheduler, which queues the scheduled work. health-run: check of all grants on demand. batch: due grants,
 * refreshed one by one. probe: shows that jobs can be added, and does nothing.
 */
export const jobKinds = ['tick', ...periodicKinds, 'health-run', 'batch', 'refresh-ahead', 'probe'] as const;
export type JobKind = (typeof jobKinds)[number];

/** Data of a job; each kind uses its own members. */
export interface JobData {
  /** batch */
  grantIds?: string[];
  /** batch, if a sweep queued it */
  sweepId?: string;
  /** batch, refresh-ahead: organisation of the grants. Absent in jobs without one, and in jobs of earlier versions. */
  organizationId?: OrganizationId;
  /** refresh-ahead */
  grantId?: string;
  /** refresh-ahead: version of the token set to replace */
  version?: number;
  /** tick */
  of?: PeriodicKind;
  /** sweep: a caller asked for it, so it runs however recent the last one is */
  onDemand?: boolean;
}

export interface JobEntry {
  name: JobKind;
  data: JobData;
  opts: JobsOptions;
}

/** Stored in the queue: a scheduler under a former name would keep running. */
export const schedulerId = (kind: PeriodicKind) => `${kind}-clock`;

const minute = 60_000;
/** Processes that start together, and a tick beside them, queue the same work within this time: one job is enough. */
const maxPauseMs = minute / 2;
/** BullMQ takes jobs without a priority first, then lower numbers. Urgent batches must not wait for the others. */
const urgentPriority = 5;
const batchPriority = 10;
/** Removes ended jobs: BullMQ ignores a new job while another one with its id exists. */
const removeWhenEnded = { removeOnComplete: true, removeOnFail: true } satisfies JobsOptions;
/** Five attempts over half a minute: these jobs fail if the database or the queue is away, usually for a short time. */
const withRetries = { attempts: 5, backoff: { type: 'exponential', delay: 2000 } } satisfies JobsOptions;

export function tickOf(kind: PeriodicKind): JobEntry {
  return { name: 'tick', data: { of: kind }, opts: { ...removeWhenEnded, ...withRetries } };
}

/** Delay in milliseconds of a probe, which is removed at once. One that cannot be removed runs after this time. */
const probeDelayMs = 60 * minute;

export function probeJob(): JobEntry & { opts: { jobId: string } } {
  const opts = { jobId: `probe-${randomUUID()}`, delay: probeDelayMs, ...removeWhenEnded };
  return { name: 'probe', data: {}, opts };
}

/** The id allows one job at a time; the deduplication keeps the next one from following at once. */
export function periodicJob(kind: PeriodicKind, intervalMs: number): JobEntry {
  const ttl = Math.min(maxPauseMs, Math.ceil(intervalMs / 2));
  return {
    name: kind,
    data: {},
    opts: { jobId: kind, deduplication: { id: kind, ttl }, ...removeWhenEnded, ...withRetries },
  };
}

/**
 * Builds work that a caller requested. Without deduplication: it may follow another of its kind at once. The id allows one
 * at a time.
 */
export function demandJob(kind: 'sweep' | 'health-run'): JobEntry {
  const isSweep = kind === 'sweep';
  return {
    name: kind,
    data: isSweep ? { onDemand: true } : {},
    opts: { jobId: isSweep ? 'sweep-on-demand' : kind, ...removeWhenEnded, ...withRetries },
  };
}

/** Grants of one job. Taking and ending a job costs milliseconds on Postgres, so single grants would limit a sweep. */
export const batchSize = 100;
/**
 * Attempts of a batch. It is interrupted once for each process that ends while it runs; afterwards the next sweep
 * queues the rest.
 */
const maxProcesses = 50;

export interface BatchOptions {
  urgent?: boolean;
  sweepId?: string;
  organizationId?: OrganizationId;
}

/**
 * Builds batches of due grants of one organisation. A grant that was not refreshed gets no second attempt here: the refresh records when to
 * retry, and the next sweep finds the grant.
 */
export function batchesOf(
  grantIds: readonly string[],
  spreadOverMs: number,
  { urgent = false, sweepId, organizationId }: BatchOptions,
): JobEntry[] {
  const ids = [...new Set(grantIds)];
  const batches = Array.from({ length: Math.ceil(ids.length / batchSize) }, (_, n) =>
    ids.slice(n * batchSize, (n + 1) * batchSize),
  );
  return batches.map((batch) => ({
    name: 'batch',
    data: {
      grantIds: batch,
      ...(sweepId !== undefined && { sweepId }),
      ...(organizationId !== undefined && { organizationId }),
    },
    opts: {
      priority: urgent ? urgentPriority : batchPriority,
      delay: Math.floor(Math.random() * spreadOverMs),
      attempts: maxProcesses,
      ...removeWhenEnded,
    },
  }));
}

/** Builds refreshes ahead of expiry. A batch may hold the same grant: the later of the two finds a fresh token set. */
export function refreshAheadJobs(jobs: readonly RefreshAhead[]): JobEntry[] {
  const byId = new Map(jobs.map((job) => [`${job.grantId}-v${job.version}`, job]));
  // Sorted: two processes that insert the same ids in different orders would deadlock on Postgres.
  return [...byId].sort(inOrder).map(([jobId, { grantId, organizationId, version, delayMs }]) => ({
    name: 'refresh-ahead',
    data: { grantId, organizationId, version },
    opts: { jobId, priority: urgentPriority, delay: Math.floor(delayMs), ...removeWhenEnded },
  }));
}

function inOrder([one]: [string, unknown], [other]: [string, unknown]): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
