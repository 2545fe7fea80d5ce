import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit';

interface Window {
  count: number;
  /** Milliseconds since the epoch. */
  endsAt: number;
}

/**
 * Creates the store of a limiter that counts in this process. Keeps `kept` keys, and beyond them forgets the one that was
 * counted least recently. The store of the library hands out one object for all requests of a key: those that arrive
 * together all see the last count, so a burst of one too many would be refused as a whole.
 */
export function createWindowStore(kept: number): FastifyRateLimitStoreCtor {
  return class WindowStore implements FastifyRateLimitStore {
    readonly #windows = new Map<string, Window>();

    incr(key: string, callback: Parameters<FastifyRateLimitStore['incr']>[1], windowMs: number): void {
      const now = Date.now();
      const known = this.#windows.get(key);
      const { count, endsAt } =
        known !== undefined && known.endsAt > now ? known : { count: 0, endsAt: now + windowMs };
      this.#windows.delete(key);
      this.#windows.set(key, { count: count + 1, endsAt });
      const [oldest] = this.#windows.keys();
      if (this.#windows.size > kept && oldest !== undefined) this.#windows.delete(oldest);
      callback(null, { current: count + 1, ttl: endsAt - now });
    }

    child(): FastifyRateLimitStore {
      return new WindowStore();
    }
  };
}
