import { LRUCache } from 'lru-cache';

/** Which client was asked by which endpoint to stay away for a while. */
export interface ClientPauses {
  leftMs(endpoint: string, clientId: string): number;
  /** Never shortens a pause. `forMs` null: the endpoint did not say how long. */
  pause(endpoint: string, clientId: string, forMs: number | null): void;
}

/** Beyond it the pause that was looked at longest ago is forgotten, and the endpoint has to ask again. */
const maxPauses = 10_000;
const defaultPauseMs = 30_000;
const maxPauseMs = 15 * 60_000;

/** By endpoint and client_id together: one customer's client never stops another's. */
export function createClientPauses(elapsedMs: () => number): ClientPauses {
  const endsAt = new LRUCache<string, number>({ max: maxPauses });
  const leftMs = (key: string) => Math.max(0, (endsAt.get(key) ?? 0) - elapsedMs());
  return {
    leftMs: (endpoint, clientId) => leftMs(keyOf(endpoint, clientId)),
    pause(endpoint, clientId, forMs) {
      const key = keyOf(endpoint, clientId);
      const pauseMs = Math.min(forMs ?? defaultPauseMs, maxPauseMs);
      if (pauseMs > leftMs(key)) endsAt.set(key, elapsedMs() + pauseMs);
    },
  };
}

function keyOf(endpoint: string, clientId: string): string {
  return JSON.stringify([endpoint, clientId]);
}
