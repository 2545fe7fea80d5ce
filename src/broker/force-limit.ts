import { BrokerError } from '../domain/errors.ts';
import type { ForcedRefreshLimit } from '../domain/ports/engine.ts';

/** Provider calls on demand for one grant, over all processes; callers who want the same token replaced share one. */
export const forcedRefreshLimit: ForcedRefreshLimit = { most: 10, withinMs: 60_000 };

export function forcedTooOften(retryAfterMs: number): BrokerError<'rate_limited'> {
  return BrokerError.with('rate_limited', 'This grant was refreshed on demand too often.', {
    retry_after: Math.max(1, Math.ceil(retryAfterMs / 1000)),
  });
}
