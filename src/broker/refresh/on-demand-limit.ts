import { BrokerError } from '../../domain/errors.ts';
import type { OnDemandLimit } from '../../domain/ports/engine.ts';

/**
 * Provider calls on demand per grant and minute, over all processes. Callers that report the same token share one call.
 */
export const onDemandLimit: OnDemandLimit = { most: 10, withinMs: 60_000 };

export function refreshedTooOften(retryAfterMs: number): BrokerError<'rate_limited'> {
  return BrokerError.with('rate_limited', 'This grant was refreshed on demand too often.', {
    retry_after: Math.max(1, Math.ceil(retryAfterMs / 1000)),
  });
}
