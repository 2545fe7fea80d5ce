import { withoutResponse } from '../errors.ts';

/** Longest delay of a timer in milliseconds: a larger one fires at once. */
const maxTimerMs = 2_147_483_647;

/** Time within which a call must end, retries included. */
export interface TimeLimit {
  /** Aborts at the end of the time, or when the caller aborts. */
  signal: AbortSignal;
  remainingMs(): number;
  /** Error to throw instead of the one that an abort causes; undefined while the call may go on. */
  failure(): unknown;
  /** Stops the timer. A timer that stays keeps the process alive. */
  end(): void;
}

/** Starts the time of one call. Zero and Infinity mean no limit. */
export function startTimeLimit(timeoutMs: number, callerSignal: AbortSignal | undefined): TimeLimit {
  const isLimited = timeoutMs > 0 && Number.isFinite(timeoutMs);
  const endsAt = isLimited ? Date.now() + timeoutMs : Number.POSITIVE_INFINITY;
  const timeout = new AbortController();
  const expire = () => timeout.abort(withoutResponse('timeout', `No answer of the broker within ${timeoutMs} ms.`));
  const timer = isLimited ? setTimeout(expire, Math.min(timeoutMs, maxTimerMs)) : undefined;
  const signal = callerSignal === undefined ? timeout.signal : AbortSignal.any([callerSignal, timeout.signal]);
  return {
    signal,
    remainingMs: () => endsAt - Date.now(),
    failure: () => (signal.aborted ? signal.reason : undefined),
    end: () => clearTimeout(timer),
  };
}

/** Waits, and rejects with the reason of the signal if it aborts first. */
export function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Settles with the promise, or rejects with the reason of the signal if it aborts first. The work itself goes on. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    stop = () => signal.removeEventListener('abort', onAbort);
  });
  return Promise.race([promise, aborted]).finally(stop);
}
