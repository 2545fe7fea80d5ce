import rateLimit, { type RateLimitPluginOptions } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import { clientOf, createCounter, type RequestCounter } from './request-counter.ts';
import { type CountUse, createSharedCounting, type SharedCounts } from './shared-counts.ts';
import { createWindowStore } from './window-store.ts';

/** Length of a counting window: limits are configured in requests a minute. */
const windowMs = 60_000;
/**
 * Maximum number of addresses, and of limited callers, that each counter holds, about 200 bytes each. Beyond it the least
 * recently seen one is dropped: it starts a new window.
 */
const countsKept = 20_000;

export interface RateLimits {
  /** Counts requests to public routes. */
  publicRequests: RequestCounter;
  /** Counts failed authentication. */
  failures: RequestCounter;
  /** Counts one request of a caller with a limit of its own. Throws rate_limited beyond that limit. */
  countCaller: (request: FastifyRequest, caller: Caller) => Promise<void>;
}

/** Creates the counters. With `shared` all processes count together, without it each process allows `max` requests. */
export async function createRateLimits(
  app: FastifyInstance,
  max: number,
  shared: SharedCounts | undefined,
  kept = countsKept,
): Promise<RateLimits> {
  const sharing = shared && { counts: shared, counting: createSharedCounting(shared) };

  async function createUse(name: string, options: LimiterOptions): Promise<CountUse> {
    const own = await createLimiter(app, { ...options, store: createWindowStore(kept) });
    if (sharing === undefined) return own;
    const { counts, counting } = sharing;
    const together = await createLimiter(app, {
      ...options,
      redis: counts.client,
      nameSpace: '',
      keyGenerator: (request) => `${counts.prefix()}${name}:${options.keyGenerator(request)}`,
    });
    return counting.combine(own, together);
  }

  const ofAddress = { max, keyGenerator: clientOf };
  const ofCaller: LimiterOptions = {
    // Called only for callers that have a limit.
    max: ({ caller }) => caller?.rateLimitPerMinute ?? 0,
    keyGenerator: ({ caller }) => caller?.id ?? '',
  };
  return {
    publicRequests: createCounter(await createUse('public', ofAddress), { max, kept }),
    failures: createCounter(await createUse('failed', ofAddress), { max, kept }),
    countCaller: createCountCaller(await createUse('caller', ofCaller)),
  };
}

interface LimiterOptions extends Pick<RateLimitPluginOptions, 'max' | 'store' | 'redis' | 'nameSpace'> {
  keyGenerator: (request: FastifyRequest) => string;
}

/**
 * Registers the plugin for one limiter. A limiter that is made with options of its own has neither the store nor the name
 * space of its registration.
 */
async function createLimiter(app: FastifyInstance, options: LimiterOptions): Promise<CountUse> {
  const { promise, resolve } = Promise.withResolvers<ReturnType<FastifyInstance['createRateLimit']>>();
  await app.register(async (scope) => {
    await scope.register(rateLimit, { ...options, global: false, timeWindow: windowMs });
    resolve(scope.createRateLimit());
  });
  const use = await promise;
  return async (request) => {
    const used = await use(request);
    if (used.isAllowed) throw new Error('No address or caller is exempt from a limit.');
    return used;
  };
}

function createCountCaller(use: CountUse): RateLimits['countCaller'] {
  return async (request, { rateLimitPerMinute }) => {
    if (rateLimitPerMinute === null) return;
    const used = await use(request);
    if (!used.isExceeded) return;
    throw BrokerError.with('rate_limited', `This caller is limited to ${rateLimitPerMinute} requests a minute.`, {
      retry_after: Math.ceil(used.ttl / 1000),
    });
  };
}
