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
  /** First come, first served. Undefined where no place came free in time. */
  take(limits: SlotLimits, waitMs: number): Promise<CallSlot | undefined>;
}

export interface CallSlotsDeps {
  elapsedMs: () => number;
  sleep: Sleep;
}

const minuteMs = 60_000;

/** Bounds the calls to one endpoint that this process makes at once, and in a minute where that is known. */
export function createCallSlots({ elapsedMs, sleep }: CallSlotsDeps): CallSlots {
  let running = 0;
  const waiting = new Set<{ concurrency: number; start: () => void }>();
  /** When the requests of the last minute began, and when those that wait for their turn will; in order. */
  const begun: number[] = [];

  async function takePlace(concurrency: number, waitMs: number): Promise<boolean> {
    if (waiting.size === 0 && running < concurrency) {
      running += 1;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiter = { concurrency, start: () => resolve(true) };
    waiting.add(waiter);
    const served = new AbortController();
    const tooLate = () => waiting.delete(waiter) && resolve(false);
    sleep(waitMs, served.signal).then(tooLate, () => undefined);
    return promise.finally(() => served.abort());
  }

  function release(): void {
    running -= 1;
    const [next] = waiting;
    if (next === undefined || running >= next.concurrency) return;
    waiting.delete(next);
    running += 1;
    next.start();
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
    async take({ concurrency, requestsPerMinute }, waitMs) {
      const latest = elapsedMs() + waitMs;
      if (!(await takePlace(concurrency, waitMs))) return undefined;
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
