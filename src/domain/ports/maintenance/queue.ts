import type { OrganizationId } from '../../connections/connection.ts';

/** A refresh shortly before a token expires. */
export interface RefreshAhead {
  grantId: string;
  organizationId: OrganizationId;
  /** Version of the token set to replace. */
  version: number;
  delayMs: number;
}

/** Queues background refreshes. Every method throws `service_unavailable` if the queue is unreachable. */
export interface RefreshQueue {
  /**
   * Queues grants of one organisation, null by default. Does not check whether they are queued already. `sweepId`: the
   * sweep that counts their outcomes.
   */
  enqueue(
    grantIds: readonly string[],
    spreadOverMs: number,
    options?: { urgent?: boolean; sweepId?: string; organizationId?: OrganizationId },
  ): Promise<void>;
  /** Adds each grant and version at most once, over all processes. */
  enqueueAhead(jobs: readonly RefreshAhead[]): Promise<void>;
  /** Queues a sweep that runs however recent the last one is. Adds nothing while another one is queued or runs. */
  enqueueSweepOnDemand(): Promise<void>;
  /** Queues the check of all grants. Adds nothing while one is queued or runs. */
  enqueueHealthRun(): Promise<void>;
  /** Upper bound of the enqueued grants that are ready and wait for a worker. */
  backlog(): Promise<number>;
  /** Batches of each organisation that are not finished: delayed, waiting for a worker, or running. */
  batches(): Promise<ReadonlyMap<OrganizationId, number>>;
  /** Ids of enqueued grants that are not finished: delayed, waiting for a worker, or running. */
  queued(): Promise<ReadonlySet<string>>;
}
