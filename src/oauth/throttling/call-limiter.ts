import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { CallPriority } from '../../domain/ports/oauth.ts';
import { shareOf } from './fair-share.ts';
import { createStartBudget } from './start-budget.ts';

export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export interface CallLimits {
  concurrency: number;
  /** Null if the endpoint has no known limit. */
  requestsPerMinute: number | null;
}

/** Permission for one running request to the endpoint. */
export interface CallPermit {
  release(): void;
}

export interface LimitedCaller {
  organizationId: OrganizationId;
  priority: CallPriority;
}

export interface CallLimiter {
  /**
   * Waits for a permit; returns undefined if none is free within `waitMs`. Organisations share the places by
   * `shareOf`. Foreground requests go first, but every fourth permit goes to a background request if one waits.
   * Then the organisation with the fewest running requests goes first, then the one served least recently.
   * `priority` is read at each release, so a waiting request can move ahead.
   */
  take(limits: CallLimits, waitMs: number, caller: LimitedCaller): Promise<CallPermit | undefined>;
}

export interface CallLimiterDeps {
  elapsedMs: () => number;
  sleep: Sleep;
}

interface Waiter extends LimitedCaller {
  limits: CallLimits;
  /** Time of elapsedMs at which the wait ends without a permit. */
  deadline: number;
  settle: (permitted: boolean) => void;
}

/** Foreground permits in a row while a background request waits. With more, readers starve the background requests. */
const foregroundTurns = 3;
const noWaiters = 'no request is waiting';

/** Limits the concurrent requests of this process to one endpoint, and its requests per minute if that limit is known. */
export function createCallLimiter({ elapsedMs, sleep }: CallLimiterDeps): CallLimiter {
  const waiting = new Set<Waiter>();
  const waitingOf = new Map<OrganizationId, number>();
  let running = 0;
  const runningOf = new Map<OrganizationId, number>();
  /** Number of the last permit of each organisation that waits or runs. */
  const servedAs = new Map<OrganizationId, number>();
  let permits = 0;
  let foregroundInARow = 0;
  const budget = createStartBudget(elapsedMs);
  let timer: { wakeAt: number; stop: AbortController } | undefined;

  function anotherWaits(organizationId: OrganizationId): boolean {
    return waitingOf.size > (waitingOf.has(organizationId) ? 1 : 0);
  }

  function fits({ organizationId, limits }: Waiter): boolean {
    const contended = anotherWaits(organizationId);
    return (
      running < limits.concurrency &&
      (runningOf.get(organizationId) ?? 0) < shareOf(limits.concurrency, contended) &&
      budget.earliestStart(limits.requestsPerMinute, organizationId, contended) <= elapsedMs()
    );
  }

  function isBackgroundDue(): boolean {
    return foregroundInARow >= foregroundTurns;
  }

  function goesBefore(one: Waiter, other: Waiter): boolean {
    if (one.priority.inBackground !== other.priority.inBackground) {
      return one.priority.inBackground === isBackgroundDue();
    }
    const runningDifference = (runningOf.get(one.organizationId) ?? 0) - (runningOf.get(other.organizationId) ?? 0);
    if (runningDifference !== 0) return runningDifference < 0;
    return (servedAs.get(one.organizationId) ?? 0) < (servedAs.get(other.organizationId) ?? 0);
  }

  function nextWaiter(): Waiter | undefined {
    let next: Waiter | undefined;
    for (const waiter of waiting) if (fits(waiter) && (next === undefined || goesBefore(waiter, next))) next = waiter;
    return next;
  }

  function permit(): void {
    for (let next = nextWaiter(); next !== undefined; next = nextWaiter()) {
      const { organizationId, priority, limits } = next;
      leave(next);
      running += 1;
      add(runningOf, organizationId, 1);
      permits += 1;
      servedAs.set(organizationId, permits);
      if (priority.inBackground) foregroundInARow = 0;
      else if ([...waiting].some((waiter) => waiter.priority.inBackground)) foregroundInARow += 1;
      if (limits.requestsPerMinute !== null) budget.count(organizationId);
      next.settle(true);
    }
  }

  function leave(waiter: Waiter): void {
    waiting.delete(waiter);
    add(waitingOf, waiter.organizationId, -1);
  }

  function release(organizationId: OrganizationId): void {
    running -= 1;
    add(runningOf, organizationId, -1);
    permit();
    if (!runningOf.has(organizationId) && !waitingOf.has(organizationId)) servedAs.delete(organizationId);
    if (waiting.size === 0) stopTimer();
  }

  /** Starts the one timer that all waiting requests share, unless it ends early enough. */
  function wakeBy(wakeAt: number): void {
    if (timer !== undefined && timer.wakeAt <= wakeAt) return;
    stopTimer();
    const started = { wakeAt, stop: new AbortController() };
    timer = started;
    sleep(Math.max(0, wakeAt - elapsedMs()), started.stop.signal).then(
      () => {
        if (timer !== started) return;
        timer = undefined;
        wake();
      },
      () => undefined,
    );
  }

  /** Clears the timer synchronously: the next request that waits must start a new one. */
  function stopTimer(): void {
    // The explicit reason avoids the default one, an exception with a stack trace that no code reads.
    timer?.stop.abort(noWaiters);
    timer = undefined;
  }

  function wake(): void {
    permit();
    for (const waiter of [...waiting]) if (waiter.deadline <= elapsedMs()) refuse(waiter);
    if (waiting.size > 0) wakeBy(Math.min(...[...waiting].map(wakeTimeOf)));
  }

  function refuse(waiter: Waiter): void {
    leave(waiter);
    if (!runningOf.has(waiter.organizationId) && !waitingOf.has(waiter.organizationId)) {
      servedAs.delete(waiter.organizationId);
    }
    waiter.settle(false);
  }

  /** Returns the deadline, or an earlier time at which the limit per minute may allow the request. */
  function wakeTimeOf({ organizationId, limits, deadline }: Waiter): number {
    const start = budget.earliestStart(limits.requestsPerMinute, organizationId, anotherWaits(organizationId));
    return start > elapsedMs() ? Math.min(start, deadline) : deadline;
  }

  return {
    async take(limits, waitMs, { organizationId, priority }) {
      const deadline = elapsedMs() + waitMs;
      if (budget.earliestStart(limits.requestsPerMinute, organizationId, false) > deadline) return undefined;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const waiter: Waiter = { organizationId, priority, limits, deadline, settle: resolve };
      waiting.add(waiter);
      add(waitingOf, organizationId, 1);
      permit();
      if (waiting.has(waiter)) wakeBy(wakeTimeOf(waiter));
      return (await promise) ? { release: () => release(organizationId) } : undefined;
    },
  };
}

function add(counts: Map<OrganizationId, number>, organizationId: OrganizationId, by: number): void {
  const count = (counts.get(organizationId) ?? 0) + by;
  if (count === 0) counts.delete(organizationId);
  else counts.set(organizationId, count);
}
