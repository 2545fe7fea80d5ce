import { normalizeIP } from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import { BrokerError } from '../../domain/errors.ts';
import type { CountUse, Use } from './shared-counts.ts';

export interface RequestCounter {
  /** Counts one request of its client address. Throws rate_limited when the address exceeds its limit. */
  count: (request: FastifyRequest) => Promise<void>;
  /** Returns, without counting, the requests that the address has left; -1 if it has exceeded its limit. */
  remaining: (request: FastifyRequest) => number;
}

/** Creates a counter that remembers the last count of `kept` addresses, and forgets the oldest beyond them. */
export function createCounter(use: CountUse, { max, kept }: { max: number; kept: number }): RequestCounter {
  /** Times are milliseconds since the epoch. */
  const known = new Map<string, { remaining: number; windowEndsAt: number }>();
  const remainingOf = (request: FastifyRequest) => {
    const { remaining = max, windowEndsAt = 0 } = known.get(clientOf(request)) ?? {};
    return windowEndsAt > Date.now() ? remaining : max;
  };

  function remember(request: FastifyRequest, { isExceeded, remaining, ttl }: Use): void {
    const before = remainingOf(request);
    // Replies of Redis may arrive out of order, and the count of this process may be the lower one.
    if (before < 0 && !isExceeded) return;
    const address = clientOf(request);
    known.delete(address);
    known.set(address, {
      remaining: isExceeded ? -1 : Math.min(before, remaining),
      windowEndsAt: Date.now() + ttl,
    });
    const [oldest] = known.keys();
    if (known.size > kept && oldest !== undefined) known.delete(oldest);
  }

  return {
    remaining: remainingOf,
    async count(request) {
      const used = await use(request);
      remember(request, used);
      if (!used.isExceeded) return;
      throw BrokerError.with('rate_limited', 'Too many requests from this address.', {
        retry_after: Math.ceil(used.ttl / 1000),
      });
    },
  };
}

/** Returns the address that is counted. One client usually controls a whole IPv6 /64. */
export function clientOf(request: FastifyRequest): string {
  return normalizeIP(request.clientAddress, 64);
}
