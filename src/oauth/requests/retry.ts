import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderFailure } from '../../domain/provider-failure.ts';

/**
 * Rule for repeating a request inside one call.
 * - unsent: for a code exchange. Repeats only a request that was never sent.
 * - refused: for a refresh. Also repeats after a response with 429, 500 or 503, and once after a lost answer. A request
 *   whose answer can still arrive is never repeated, because its refresh token may be spent.
 * - any: for client_credentials, probes and revocation. Repeats after every temporary failure.
 */
export type RetryRule = 'unsent' | 'refused' | 'any';

export interface RetryTiming {
  /** Maximum number of tries after the first one. */
  retries: number;
  /** Pause before each retry. The last one is also the longest Retry-After that a call waits for. */
  backoffMs: readonly number[];
  /** Pause before the retry after a lost answer. */
  lostBackoffMs: number;
  /**
   * Minimum time that a retry of a code exchange or refresh must have before the deadline. With less, the deadline can
   * end the call after sending, and the code or refresh token may be spent.
   */
  minAttemptMs: number;
  /** Returns a number in [0, 1). */
  random: () => number;
}

export const defaultBackoffMs: readonly number[] = [1000, 2000, 4000];
/** Providers accept a spent refresh token again for 10 to 60 seconds; the request that was lost must have ended. */
export const defaultLostBackoffMs = 3000;
/** Maximum requests of a call that lost an answer. Each one may spend a refresh token. */
const maxRequestsAfterLoss = 3;
/** Varies each pause by up to a quarter in both directions, so that many grants do not retry at the same moment. */
const jitterShare = 0.25;

/**
 * Runs `attempt` until it succeeds or the rule allows no further try. Throws the last failure that was sent, if one was:
 * a retry that found no place says less. After a lost answer every failure is marked as lost.
 */
export async function withRetries<T>(
  rule: RetryRule,
  timing: RetryTiming,
  deadline: number,
  attempt: () => Promise<T>,
): Promise<T> {
  let last: ProviderFailure | undefined;
  for (let requests = 1; ; requests++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ProviderFailure)) throw error;
      const hadLoss = last?.facts.lost === true;
      last = error.facts.sent || last === undefined ? keepLoss(error, hadLoss) : last;
      const pauseMs = mayRepeat(rule, error, requests, hadLoss) ? pauseAfter(rule, error, requests, timing) : null;
      if (requests > timing.retries || pauseMs === null) throw last;
      const minAttemptMs = rule === 'any' ? 0 : timing.minAttemptMs;
      if (performance.now() + pauseMs + minAttemptMs >= deadline) throw last;
      await sleep(pauseMs);
    }
  }
}

function keepLoss(failure: ProviderFailure, hadLoss: boolean): ProviderFailure {
  return hadLoss && failure.facts.lost !== true
    ? new ProviderFailure(failure.message, { ...failure.facts, lost: true })
    : failure;
}

function mayRepeat(rule: RetryRule, { facts }: ProviderFailure, requests: number, hadLoss: boolean): boolean {
  if (facts.class === 'refused') return false;
  if (rule === 'refused' && (hadLoss || facts.lost) && requests >= maxRequestsAfterLoss) return false;
  if (!facts.sent) return true;
  if (rule === 'any') return facts.class === 'transient' || facts.class === 'throttled';
  if (rule === 'unsent') return false;
  if (facts.lost) return !hadLoss;
  return facts.answered && (facts.httpStatus === 429 || facts.httpStatus === 500 || facts.httpStatus === 503);
}

function pauseAfter(rule: RetryRule, { facts }: ProviderFailure, requests: number, timing: RetryTiming): number | null {
  if (rule === 'refused' && facts.lost) return withJitter(timing.lostBackoffMs, timing.random);
  return pauseBefore(requests - 1, facts.retryAfterMs, timing);
}

/** Returns the pause before the next try; null if Retry-After is longer than a call may wait. */
export function pauseBefore(
  tried: number,
  retryAfterMs: number | null,
  { backoffMs, random }: Pick<RetryTiming, 'backoffMs' | 'random'>,
): number | null {
  const longestMs = backoffMs.at(-1) ?? 0;
  if (retryAfterMs !== null && retryAfterMs > longestMs) return null;
  return Math.max(withJitter(backoffMs[tried] ?? longestMs, random), retryAfterMs ?? 0);
}

function withJitter(ms: number, random: () => number): number {
  return ms * (1 - jitterShare + 2 * jitterShare * random());
}
