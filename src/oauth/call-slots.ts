import type { CallOrder } from '../domain/ports/oauth.ts';

export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export interface SlotLimits {
  concurrency: number;
  /** Null where nobody says. */
  requestsPerMinute: number | null;
}

/** A place among the calls to one endpoint. */
export interface CallSlot {
  release(): void;
  /** Counts a request beyond the call's first towards the minute's. Waits for nothing: the call already runs. */
  countAnother(): void;
}

export interface CallSlots {
  /**
   * First come, first served, but for those in the background, as `order` says at each moment. Undefined where no place
   * came free in time, which is the same for all.
   */
  take(limits: SlotLimits, waitMs: number, order: CallOrder): Promise<CallSlot | undefined>;
}

export interface CallSlotsDeps {
  elapsedMs: () => number;
  sleep: Sleep;
}

interface Waiter {
  order: CallOrder;
  concurrency: number;
  /** By elapsedMs: it is sent away then. */
  latest: number;
  end: (served: boolean) => void;
}

const minuteMs = 60_000;
const nobodyWaits = 'nobody waits any more';

/** Bounds the calls to one endpoint that this process makes at once, and in a minute where that is known. */
export function createCallSlots({ elapsedMs, sleep }: CallSlotsDeps): CallSlots {
  let running = 0;
  /** In the order they came; all wait equally long. */
  const waiting = new Set<Waiter>();
  let alarm: AbortController | undefined;
  /** When the requests of the last minute began, and when those that wait for their turn will; in order. */
  const begun: number[] = [];

  function takePlace(concurrency: number, latest: number, order: CallOrder): boolean | Promise<boolean> {
    const next = nextInLine();
    const isFirst = next === undefined || (next.order.inBackground && !order.inBackground);
    if (isFirst && running < concurrency) {
      running += 1;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    waiting.add({ order, concurrency, latest, end: resolve });
    if (alarm === undefined) setAlarm();
    return promise;
  }

  /** One for all who wait, while anybody does: one for each costs as much as a request. */
  function setAlarm(): void {
    const mine = new AbortController();
    const over = () => {
      if (alarm === mine) alarm = undefined;
    };
    alarm = mine;
    sendAwayInTime(mine.signal).then(over, over);
  }

  /** At once: whoever comes next sets one of its own. */
  function stopAlarm(): void {
    // With a reason of its own: the usual one is an exception with a stack, made for nobody to see.
    alarm?.abort(nobodyWaits);
    alarm = undefined;
  }

  async function sendAwayInTime(signal: AbortSignal): Promise<void> {
    for (let [first] = waiting; first !== undefined; [first] = waiting) {
      await sleep(first.latest - elapsedMs(), signal);
      for (const waiter of waiting) {
        if (waiter.latest > elapsedMs()) break;
        waiting.delete(waiter);
        waiter.end(false);
      }
    }
  }

  function nextInLine(): Waiter | undefined {
    for (const waiter of waiting) if (!waiter.order.inBackground) return waiter;
    const [first] = waiting;
    return first;
  }

  function release(): void {
    running -= 1;
    const next = nextInLine();
    if (next === undefined || running >= next.concurrency) return;
    waiting.delete(next);
    running += 1;
    next.end(true);
    if (waiting.size === 0) stopAlarm();
  }

  /** How long until the request may be made, whose turn is taken by that; undefined, with none taken, where that is too late. */
  function takeTurn(perMinute: number, latest: number): number | undefined {
    const now = elapsedMs();
    while ((begun[0] ?? now) <= now - minuteMs) begun.shift();
    const at = Math.max(now, (begun.at(-perMinute) ?? Number.NEGATIVE_INFINITY) + minuteMs);
    if (at > latest) return undefined;
    begun.push(at);
    return at - now;
  }

  async function awaitTurn(perMinute: number | null, latest: number): Promise<boolean> {
    if (perMinute === null) return true;
    const pauseMs = takeTurn(perMinute, latest);
    if (pauseMs === undefined) return false;
    if (pauseMs > 0) await sleep(pauseMs, new AbortController().signal);
    return true;
  }

  return {
    async take({ concurrency, requestsPerMinute }, waitMs, order) {
      const latest = elapsedMs() + waitMs;
      if (!(await takePlace(concurrency, latest, order))) return undefined;
      if (!(await awaitTurn(requestsPerMinute, latest))) {
        release();
        return undefined;
      }
      return {
        release,
        countAnother: () => {
          if (requestsPerMinute !== null) takeTurn(requestsPerMinute, Number.POSITIVE_INFINITY);
        },
      };
    },
  };
}
