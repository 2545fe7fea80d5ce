import { LRUCache } from 'lru-cache';
import type { ProviderCaller } from '../../domain/ports/oauth.ts';

/** Pauses that endpoints have requested from connections by 429 or slow_down. */
export interface ClientPauses {
  leftMs(endpoint: string, caller: ProviderCaller): number;
  /** Never shortens a pause. `forMs` is null if the endpoint named no duration. */
  pause(endpoint: string, caller: ProviderCaller, forMs: number | null): void;
}

/** Maximum number of pauses. Beyond it the least recently used one is dropped, and the endpoint must refuse again. */
const maxPauses = 10_000;
/** Pause without a stated duration, 30 seconds. A much shorter one repeats the calls that the endpoint refused. */
const defaultPauseMs = 30_000;
/** Maximum pause, 15 minutes. A longer one would let a single response stop a connection for hours. */
const maxPauseMs = 15 * 60_000;

/**
 * Keeps pauses by endpoint, connection and organisation. Neither a client_id that two connections share nor a global
 * connection lets one organisation pause another.
 */
export function createClientPauses(elapsedMs: () => number): ClientPauses {
  const endsAt = new LRUCache<string, number>({ max: maxPauses });
  const leftMs = (key: string) => Math.max(0, (endsAt.get(key) ?? 0) - elapsedMs());
  return {
    leftMs: (endpoint, caller) => leftMs(keyOf(endpoint, caller)),
    pause(endpoint, caller, forMs) {
      const key = keyOf(endpoint, caller);
      const pauseMs = Math.min(forMs ?? defaultPauseMs, maxPauseMs);
      if (pauseMs > leftMs(key)) endsAt.set(key, elapsedMs() + pauseMs);
    },
  };
}

function keyOf(endpoint: string, { connectionId, organizationId }: ProviderCaller): string {
  return JSON.stringify([endpoint, connectionId, organizationId]);
}
