import type { OrganizationId } from '../domain/connections/connection.ts';

/**
 * Bounds the calls of one organisation that are connecting: look-up, TCP and TLS. Names and servers that do not answer
 * then hold sockets and timers of their organisation only.
 */
export interface ConnectTurns {
  /** Waits for a turn. Returns the function that ends it, or undefined if none is free within `waitMs`. */
  take(organizationId: OrganizationId, waitMs: number): Promise<(() => void) | undefined>;
}

/** Connecting calls of one organisation. With many more, one organisation's dead servers fill the table of sockets. */
const maxConnecting = 20;

export function createConnectTurns(max = maxConnecting): ConnectTurns {
  const queues = new Map<OrganizationId, { running: number; waiting: Set<() => void> }>();

  function end(organizationId: OrganizationId): void {
    const queue = queues.get(organizationId);
    const [next] = queue?.waiting ?? [];
    if (queue === undefined) return;
    if (next !== undefined) {
      queue.waiting.delete(next);
      next();
    } else {
      queue.running -= 1;
      if (queue.running === 0) queues.delete(organizationId);
    }
  }

  /** Makes the function that ends a turn, once. */
  function turnOf(organizationId: OrganizationId): () => void {
    let ended = false;
    return () => {
      if (!ended) end(organizationId);
      ended = true;
    };
  }

  return {
    async take(organizationId, waitMs) {
      const queue = queues.get(organizationId) ?? { running: 0, waiting: new Set() };
      queues.set(organizationId, queue);
      if (queue.running < max) {
        queue.running += 1;
        return turnOf(organizationId);
      }
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const begin = () => resolve(true);
      queue.waiting.add(begin);
      const timer = setTimeout(() => {
        if (queue.waiting.delete(begin)) resolve(false);
      }, waitMs);
      const hasTurn = await promise;
      clearTimeout(timer);
      return hasTurn ? turnOf(organizationId) : undefined;
    },
  };
}
