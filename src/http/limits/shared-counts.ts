import type { FastifyRequest } from 'fastify';

/** Redis on which the processes of an installation count together. */
export interface SharedCounts {
  /** Client of ioredis for the store of @fastify/rate-limit. Its commands must fail soon when Redis is away. */
  client: object;
  /** Prefix of all keys. Null before the first connection. */
  prefix: () => string | null;
  /** Redis failed: this process counts alone for a while. */
  onLost: (error: unknown) => void;
  onRestored: () => void;
}

/** One request as a limiter counted it. */
export interface Use {
  isExceeded: boolean;
  /** Requests left in the window. */
  remaining: number;
  /** Milliseconds until the window ends. */
  ttl: number;
}

export type CountUse = (request: FastifyRequest) => Promise<Use>;

/** Milliseconds without Redis after a failure. A server that does not reply delays one request of each such pause. */
const pauseMs = 5_000;

export interface SharedCounting {
  /** Counts in this process and, as long as Redis works, in Redis too. Returns the count that leaves less. */
  combine: (own: CountUse, shared: CountUse) => CountUse;
}

/**
 * Combines counts of this process with those of all. This process counts every request itself, so that a loss of Redis
 * begins no new window and refuses nothing.
 */
export function createSharedCounting({ prefix, onLost, onRestored }: SharedCounts): SharedCounting {
  let pausedUntil = 0;
  let isLost = false;

  function lost(error: unknown): void {
    pausedUntil = Date.now() + pauseMs;
    if (!isLost) onLost(error);
    isLost = true;
  }

  function restored(): void {
    if (isLost) onRestored();
    isLost = false;
  }

  return {
    combine: (own, shared) => async (request) => {
      const alone = await own(request);
      // Beyond the limit of this process, Redis has nothing to add: a flood costs it no command.
      if (alone.isExceeded || prefix() === null || Date.now() < pausedUntil) return alone;
      try {
        const together = await shared(request);
        restored();
        return together.isExceeded || together.remaining < alone.remaining ? together : alone;
      } catch (error) {
        lost(error);
        return alone;
      }
    },
  };
}
