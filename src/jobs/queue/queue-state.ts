import type { QueueFailure } from '../../domain/queue-failure.ts';
import { failureOf } from './queue-failures.ts';

export interface QueueStateLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Whether the queue works, logged once for each change. */
export interface QueueState {
  isUp(): boolean;
  /** Null while the queue works. */
  failure(): QueueFailure | null;
  /** Records that a check succeeded. */
  succeeded(): void;
  /** Records that a check failed. */
  failed(error: unknown): void;
  /** Records an error of a worker. Only a refusal counts: a lost connection is found by the next check. */
  troubled(error: unknown): void;
  /** Records that this process left the queue, which is no failure. */
  stopped(): void;
}

/**
 * Milliseconds without a refusal of a worker after which a check may succeed. Must exceed the pause of a worker after
 * an error: a shorter time would report a queue as up between two refusals.
 */
const quietMs = 6_000;
/**
 * Milliseconds for which a stated refusal stays the reason while further checks fail without one. A client whose password
 * is refused states it only when it reconnects, every 5 seconds.
 */
const statedForMs = 15_000;

/** `explain` says which setting to check after an error, or returns undefined. */
export function createQueueState(
  log: QueueStateLog,
  explain: (error: unknown) => string | undefined,
  now = () => performance.now(),
): QueueState {
  /** Undefined before the first check. */
  let current: QueueFailure | null | undefined;
  let refusedAt = Number.NEGATIVE_INFINITY;

  function change(next: QueueFailure | null, error?: unknown): void {
    if (next === current) return;
    current = next;
    if (next === null) log.info({}, 'queue reachable');
    else if (next === 'unreachable') log.warn({ reason: explain(error), err: error }, 'queue unreachable');
    else log.warn({ cause: next, reason: explain(error), err: error }, 'queue refuses commands');
  }

  function refused(error: unknown): boolean {
    const failure = failureOf(error);
    if (failure === 'unreachable') return false;
    refusedAt = now();
    change(failure, error);
    return true;
  }

  return {
    isUp: () => current === null,
    failure: () => (current === undefined ? 'unreachable' : current),
    succeeded: () => {
      if (now() - refusedAt >= quietMs) change(null);
    },
    failed: (error) => {
      const isStated = current !== null && current !== undefined && now() - refusedAt < statedForMs;
      if (!refused(error) && !isStated) change('unreachable', error);
    },
    troubled: (error) => void refused(error),
    stopped: () => {
      current = undefined;
    },
  };
}
