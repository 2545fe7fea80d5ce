import type { FastifyRequest } from 'fastify';
import { clientOf, type RequestCounter } from './request-counter.ts';

/** Bounds the keys that one address has looked up at once. */
export interface LookUpTurns {
  /** Waits for a turn. Returns false, without a turn, once the address has exceeded its limit of failures. */
  enter: (request: FastifyRequest) => Promise<boolean>;
  /** Ends a turn, after a failure was counted. */
  leave: (request: FastifyRequest) => void;
}

/**
 * Lets an address run as many look-ups as it may fail. A look-up in progress may become a failure: without turns, an
 * address that sends all its keys at once has all of them looked up before the first failure counts. Right keys only wait.
 */
export function createLookUpTurns({ remaining }: Pick<RequestCounter, 'remaining'>): LookUpTurns {
  const addresses = new Map<string, { running: number; waiting: (() => void)[] }>();

  return {
    async enter(request) {
      const address = clientOf(request);
      while (remaining(request) >= 0) {
        const turns = addresses.get(address) ?? { running: 0, waiting: [] };
        addresses.set(address, turns);
        if (turns.running < places(request)) {
          turns.running += 1;
          return true;
        }
        await new Promise<void>((wake) => turns.waiting.push(wake));
      }
      return false;
    },

    leave(request) {
      const address = clientOf(request);
      const turns = addresses.get(address);
      if (turns === undefined) return;
      turns.running -= 1;
      const free = remaining(request) < 0 ? turns.waiting.length : Math.max(0, places(request) - turns.running);
      for (const wake of turns.waiting.splice(0, free)) wake();
      if (turns.running === 0 && turns.waiting.length === 0) addresses.delete(address);
    },
  };

  /** One more than may fail: the failure beyond the limit is what exceeds it. */
  function places(request: FastifyRequest): number {
    return Math.max(0, remaining(request)) + 1;
  }
}
