import type { GrantSignals } from '../domain/ports/engine.ts';
import { channels } from './channels.ts';
import type { Listener } from './listener.ts';

/** Wakes those who wait for a grant when a notification says that it changed. */
export function createGrantSignals(deps: { listener: Pick<Listener, 'subscribe'> }): GrantSignals {
  const waiting = new Map<string, Set<() => void>>();
  deps.listener.subscribe(channels.grantChanged, ({ grant_id }) => {
    for (const wake of waiting.get(grant_id) ?? []) wake();
  });

  return {
    next(grantId, timeoutMs) {
      return new Promise((resolve) => {
        const mine = waiting.get(grantId) ?? new Set();
        waiting.set(grantId, mine);
        const wake = () => {
          clearTimeout(timer);
          mine.delete(wake);
          if (mine.size === 0) waiting.delete(grantId);
          resolve();
        };
        const timer = setTimeout(wake, timeoutMs);
        mine.add(wake);
      });
    },
  };
}
