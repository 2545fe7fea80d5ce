import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BrokerError } from '../domain/errors.ts';
import { addressOf } from './trace.ts';

/** Counts one request of this address. Throws rate_limited past the allowance. */
export type CountRequest = (request: FastifyRequest) => Promise<void>;

const windowMs = 60_000;
/** Addresses remembered at once; the least recent is forgotten first, so that a flood of addresses costs no memory. */
const addressesKept = 20_000;

/** Makes a counter of its own each time it is called; counters are per process. */
export async function registerRateLimits(app: FastifyInstance, max: number): Promise<() => CountRequest> {
  await app.register(rateLimit, {
    global: false,
    max,
    timeWindow: windowMs,
    cache: addressesKept,
    // A home or a server owns a whole IPv6 /64: counting single addresses would count nothing.
    keyGenerator: (request) => normalizeIP(addressOf(request), 64),
  });
  return () => {
    const count = app.createRateLimit({ max, timeWindow: windowMs });
    return async (request) => {
      const used = await count(request);
      if (used.isAllowed || !used.isExceeded) return;
      throw BrokerError.with('rate_limited', 'Too many requests from this address.', {
        retry_after: used.ttlInSeconds,
      });
    };
  };
}
