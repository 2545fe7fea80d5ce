import { isBrokerError } from '../../domain/errors.ts';
import type { ServableGrant } from '../../domain/grants/credential.ts';
import { isShortLived, type RefreshSchedule, remainingMs, softMarginMs } from '../../domain/grants/refresh-policy.ts';
import type { RefreshAhead, RefreshQueue } from '../../domain/ports/maintenance/queue.ts';

/**
 * Schedules a refresh ahead of expiry for each served token that may expire between two sweeps, once per version. The
 * next reader then does not wait for a provider. A token without readers is not refreshed. Costs one map look-up and
 * never throws.
 */
export type ScheduleRefreshAhead = (grant: ServableGrant) => void;

export interface ScheduleRefreshAheadDeps {
  queue: Pick<RefreshQueue, 'enqueueAhead'>;
  clock: () => Date;
  schedule: RefreshSchedule;
  onError: (error: unknown) => void;
}

/**
 * Maximum number of remembered grants; bounds memory. Beyond it a grant is enqueued again, and the queue ignores that.
 */
const maxScheduled = 100_000;
/** Grants per call of the queue; bounds the size of one command. */
const batchSize = 500;
/** Milliseconds without enqueuing after a failure of the queue. Without a pause every read would call it again. */
const pauseMs = 5_000;

export function createScheduleRefreshAhead({
  queue,
  clock,
  schedule,
  onError,
}: ScheduleRefreshAheadDeps): ScheduleRefreshAhead {
  const scheduled = new Map<string, number>();
  let waiting: RefreshAhead[] = [];
  let isEnqueuing = false;
  let pausedUntil = 0;

  async function enqueueWaiting(): Promise<void> {
    isEnqueuing = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchSize);
      try {
        await queue.enqueueAhead(batch);
      } catch (error) {
        for (const { grantId } of [...batch, ...waiting]) scheduled.delete(grantId);
        waiting = [];
        pausedUntil = clock().getTime() + pauseMs;
        // An unreachable queue is reported by the queue connection.
        if (!isBrokerError(error, 'service_unavailable')) onError(error);
      }
    }
    isEnqueuing = false;
  }

  return (grant) => {
    const { id, organizationId, version } = grant;
    if (scheduled.get(id) === version) return;
    const now = clock();
    const delayMs = earliestMs(grant, schedule, now);
    if (delayMs === null || now.getTime() < pausedUntil) return;
    // Deleting first moves the entry to the end, so that the oldest entry stays in front.
    scheduled.delete(id);
    scheduled.set(id, version);
    const [oldest] = scheduled.keys();
    if (scheduled.size > maxScheduled && oldest !== undefined) scheduled.delete(oldest);
    waiting.push({ grantId: id, organizationId, version, delayMs });
    if (!isEnqueuing) void enqueueWaiting();
  };
}

/** Milliseconds until the first token of a grant needs a refresh between two sweeps; null if none does. */
function earliestMs(grant: ServableGrant, schedule: RefreshSchedule, now: Date): number | null {
  const own = delayMsOf(grant, schedule, now);
  const siblings = grant.metadata?.siblings;
  if (siblings === undefined) return own;
  const delays = [own, ...Object.values(siblings).map((sibling) => delayMsOf(sibling, schedule, now))];
  const known = delays.filter((delay) => delay !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function delayMsOf(
  { metadata, status }: Pick<ServableGrant, 'metadata' | 'status'>,
  schedule: RefreshSchedule,
  now: Date,
): number | null {
  if (metadata === null || !isShortLived(metadata, schedule)) return null;
  if (status !== 'completed' || !metadata.refreshable || metadata.expiresAt === null) return null;
  return Math.max(0, remainingMs(metadata, now) - softMarginMs(metadata));
}
