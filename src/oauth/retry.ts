import { setTimeout as sleep } from 'node:timers/promises';
import { ProviderFailure } from '../domain/provider-failure.ts';

/**
 * What may be repeated inside one call.
 * - unsent: a code exchange; only what never left.
 * - refused: a refresh; also what the provider answered with 429 or 5xx. Never what was sent and not answered: it is perhaps spent.
 * - any: client_credentials and probes; everything that may pass by itself.
 */
export type RetryRule = 'unsent' | 'refused' | 'any';

export interface RetryTiming {
  /** Tries after the first. */
  retries: number;
  /** Pause before each retry; the last one is the longest Retry-After that is waited for. */
  backoffMs: readonly number[];
  /** What must be left of a call that spends what it sends for another try: cut off after sending, it may be spent. */
  tryRoomMs: number;
  /** In [0, 1). */
  random: () => number;
}

export const defaultBackoffMs: readonly number[] = [1000, 2000, 4000];
/** Spreads the tries of many grants by a quarter either way. */
const jitterShare = 0.25;

export async function withRetries<T>(
  rule: RetryRule,
  timing: RetryTiming,
  deadline: number,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ProviderFailure) || tried >= timing.retries || !mayRepeat(rule, error)) throw error;
      const pauseMs = pauseBefore(tried, error.facts.retryAfterMs, timing);
      const roomMs = rule === 'any' ? 0 : timing.tryRoomMs;
      if (pauseMs === null || performance.now() + pauseMs + roomMs >= deadline) throw error;
      await sleep(pauseMs);
    }
  }
}

function mayRepeat(rule: RetryRule, { facts }: ProviderFailure): boolean {
  if (facts.class === 'refused') return false;
  if (!facts.sent) return true;
  if (rule === 'any') return facts.class === 'transient' || facts.class === 'throttled';
  const status = facts.httpStatus ?? 0;
  return rule === 'refused' && facts.answered && (status === 429 || status >= 500);
}

/** Null where the provider asks for a longer pause than a call may wait for. */
export function pauseBefore(
  tried: number,
  retryAfterMs: number | null,
  { backoffMs, random }: Pick<RetryTiming, 'backoffMs' | 'random'>,
): number | null {
  const longestMs = backoffMs.at(-1) ?? 0;
  if (retryAfterMs !== null && retryAfterMs > longestMs) return null;
  const backoff = (backoffMs[tried] ?? longestMs) * (1 - jitterShare + 2 * jitterShare * random());
  return Math.max(backoff, retryAfterMs ?? 0);
}
