import type { ServableGrant } from '../domain/credential.ts';
import { isBrokerError } from '../domain/errors.ts';
import type { RefreshAhead, RefreshQueue } from '../domain/ports/upkeep.ts';
import { isShortLived, type RefreshSchedule, remainingMs, softMarginMs } from '../domain/refresh-policy.ts';

/**
 * Told of each token that is handed out. One that may expire between two sweeps is to be refreshed shortly before it
 * does, once for each version, so that its next reader does not wait for a provider; one that nobody reads during its
 * life is let go. Costs the reader a look into a map, and never fails.
 */
export type NoteUse = (grant: ServableGrant) => void;

export interface NoteUseDeps {
  queue: Pick<RefreshQueue, 'enqueueAhead'>;
  clock: () => Date;
  schedule: RefreshSchedule;
  onError: (error: unknown) => void;
}

/** Bounds the memory. One forgotten too early is queued again, and the queue knows it. */
const maxNoted = 100_000;
const batchSize = 500;
/** While the queue is away, uses are noted again after this. */
const restMs = 5_000;

export function createNoteUse({ queue, clock, schedule, onError }: NoteUseDeps): NoteUse {
  const noted = new Map<string, number>();
  let waiting: RefreshAhead[] = [];
  let isDelivering = false;
  let restUntil = 0;

  async function deliver(): Promise<void> {
    isDelivering = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, batchSize);
      try {
        await queue.enqueueAhead(batch);
      } catch (error) {
        for (const { grantId } of [...batch, ...waiting]) noted.delete(grantId);
        waiting = [];
        restUntil = clock().getTime() + restMs;
        // That the queue is away is known and said elsewhere.
        if (!isBrokerError(error, 'service_unavailable')) onError(error);
      }
    }
    isDelivering = false;
  }

  return (grant) => {
    const { id, version, facts, status } = grant;
    if (facts === null || !isShortLived(facts, schedule) || noted.get(id) === version) return;
    if (status !== 'completed' || !facts.refreshable || facts.expiresAt === null) return;
    const now = clock();
    if (now.getTime() < restUntil) return;
    // Taken out first, so that the oldest stays in front.
    noted.delete(id);
    noted.set(id, version);
    const [oldest] = noted.keys();
    if (noted.size > maxNoted && oldest !== undefined) noted.delete(oldest);
    waiting.push({ grantId: id, version, delayMs: Math.max(0, remainingMs(facts, now) - softMarginMs(facts)) });
    if (!isDelivering) void deliver();
  };
}
