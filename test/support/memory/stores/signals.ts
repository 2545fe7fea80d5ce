import type { GrantSignals } from '../../../../src/domain/ports/engine.ts';
import type { MemoryState } from './state.ts';

interface Watch {
  hasChanged: boolean;
  wake: (() => void) | undefined;
}

/** Wakes the watchers of a grant when a commit changes its row. Loses no signal. */
export function createMemorySignals({ onGrantChange }: Pick<MemoryState, 'onGrantChange'>): GrantSignals {
  const watches = new Map<string, Set<Watch>>();
  onGrantChange((grantId) => {
    for (const watch of watches.get(grantId) ?? []) {
      watch.hasChanged = true;
      watch.wake?.();
    }
  });
  return {
    connectedForMs: () => Number.POSITIVE_INFINITY,
    watch: (grantId) => {
      const watch: Watch = { hasChanged: false, wake: undefined };
      const ofGrant = watches.get(grantId) ?? new Set();
      watches.set(grantId, ofGrant.add(watch));
      return {
        changed: async (atMostMs) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          watch.wake = resolve;
          const timer = setTimeout(resolve, atMostMs);
          if (!watch.hasChanged) await promise;
          clearTimeout(timer);
          watch.hasChanged = false;
        },
        end: () => void ofGrant.delete(watch),
      };
    },
  };
}
