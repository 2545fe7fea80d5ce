/** Maximum states that are kept. Beyond it the oldest are forgotten; the provider refuses their codes. */
const maxStates = 10_000;

/**
 * Remembers the states of sign-ins that a response has arrived for, until their transactions end. It covers one process:
 * across processes, the provider accepts a code only once (RFC 6749 §4.1.2).
 */
export function createOneTimeStates({ ttlMs, now }: { ttlMs: number; now: () => Date }) {
  const usedAt = new Map<string, number>();

  /** Returns false if the state was taken before. */
  return function take(state: string): boolean {
    const at = now().getTime();
    for (const [other, time] of usedAt) {
      if (usedAt.size < maxStates && time + ttlMs > at) break;
      usedAt.delete(other);
    }
    if (usedAt.has(state)) return false;
    usedAt.set(state, at);
    return true;
  };
}
