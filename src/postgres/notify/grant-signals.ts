import type { GrantSignals } from '../../domain/ports/engine.ts';
import { channels } from './channels.ts';
import type { Listener } from './listener.ts';

export interface GrantSignalsDeps {
  listener: Pick<Listener, 'subscribe' | 'onChange' | 'isUp'>;
  /** Milliseconds after which a wait ends without a notification. Bounds the delay if a notification is lost. */
  pollMs?: { listening: number; disconnected: number };
}

interface Watch {
  /** True if a notification arrived that no wait has consumed yet. */
  isNotified: boolean;
  wake: (() => void) | undefined;
}

const defaultPollMs = { listening: 5_000, disconnected: 500 };

/** Ends waits for a grant when a notification says that it changed. */
export function createGrantSignals({ listener, pollMs = defaultPollMs }: GrantSignalsDeps): GrantSignals {
  const watches = new Map<string, Set<Watch>>();
  let upSince = listener.isUp() ? performance.now() : undefined;

  function notify(watch: Watch): void {
    watch.isNotified = true;
    watch.wake?.();
  }

  listener.subscribe(channels.grantChanged, ({ grant_id }) => {
    for (const watch of watches.get(grant_id) ?? []) notify(watch);
  });
  // Missed notifications are not repeated, and the poll interval changes with the state of the listener.
  listener.onChange((up) => {
    upSince = up ? performance.now() : undefined;
    for (const watching of watches.values()) for (const watch of watching) notify(watch);
  });

  return {
    connectedForMs: () => (listener.isUp() && upSince !== undefined ? performance.now() - upSince : 0),
    watch(grantId) {
      const watch: Watch = { isNotified: false, wake: undefined };
      const mine = watches.get(grantId) ?? new Set();
      watches.set(grantId, mine.add(watch));
      return {
        async changed(atMostMs) {
          if (!watch.isNotified) await sleepUntilNotified(watch, Math.min(atMostMs, pollOf(listener.isUp(), pollMs)));
          watch.isNotified = false;
        },
        end() {
          mine.delete(watch);
          if (mine.size === 0 && watches.get(grantId) === mine) watches.delete(grantId);
        },
      };
    },
  };
}

function pollOf(isUp: boolean, { listening, disconnected }: { listening: number; disconnected: number }): number {
  return isUp ? listening : disconnected;
}

function sleepUntilNotified(watch: Watch, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      watch.wake = undefined;
      resolve();
    };
    const timer = setTimeout(wake, ms);
    watch.wake = wake;
  });
}
