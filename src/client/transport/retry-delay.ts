import type { TokenBrokerError } from '../errors.ts';

/** Delay before the first retry after a network error. It doubles with each further one. */
const firstDelayMs = 100;
const maxDelayMs = 2000;

/**
 * Milliseconds before the next attempt; undefined if another attempt is useless. Network errors are repeated after a short
 * delay. 429 and 503 are repeated only if Retry-After says when: without it a person must act.
 */
export function retryDelayMs(error: TokenBrokerError, attempt: number): number | undefined {
  if (error.code === 'network_error') {
    const delay = Math.min(maxDelayMs, firstDelayMs * 2 ** attempt);
    // Spread over half of the delay, so that clients that failed together do not come back together.
    return delay / 2 + Math.random() * (delay / 2);
  }
  if ((error.status === 429 || error.status === 503) && error.retryAfter !== undefined) return error.retryAfter * 1000;
  return undefined;
}
