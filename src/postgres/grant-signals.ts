import type { GrantSignals } from '../domain/ports/engine.ts';
import { channels } from './channels.ts';
import type { Listener } from './listener.ts';

export interface GrantSignalsDeps {
  listener: Pick<Listener, 'subscribe' | 'onChange' | 'isUp'>;
  /** How often a row is looked at anyway: a notification may be lost, and comes to nobody who does not listen. */
  pollMs?: { listening: number; deaf: number };
}

interface Watch {
  /** Of a change that nobody has waited for yet. */
  heard: boolean;
  wake: (() => void) | undefined;
}

const defaultPollMs = { listening: 5_000, deaf: 500 };

/** Wakes those who wait for a grant when a notification says that it changed. */
export function createGrantSignals({ listener, pollMs = defaultPollMs }: GrantSignalsDeps): GrantSignals {
  const watches = new Map<string, Set<Watch>>();
  let upSince = listener.isUp() ? performance.now() : undefined;

  function tell(watch: Watch): void {
    watch.heard = true;
    watch.wake?.();
  }

  listener.subscribe(channels.grantChanged, ({ grant_id }) => {
    for (const watch of watches.get(grant_id) ?? []) tell(watch);
  });
  // What was missed is not repeated, and from here on the other interval counts.
  listener.onChange((up) => {
    upSince = up ? performance.now() : undefined;
    for (const watching of watches.values()) for (const watch of watching) tell(watch);
  });

  return {
    heardForMs: () => (listener.isUp() && upSince !== undefined ? performance.now() - upSince : 0),
    watch(grantId) {
      const watch: Watch = { heard: false, wake: undefined };
      const mine = watches.get(grantId) ?? new Set();
      watches.set(grantId, mine.add(watch));
      return {
        async changed(atMostMs) {
          if (!watch.heard) await sleepUntilTold(watch, Math.min(atMostMs, pollOf(listener.isUp(), pollMs)));
          watch.heard = false;
        },
        end() {
          mine.delete(watch);
          if (mine.size === 0 && watches.get(grantId) === mine) watches.delete(grantId);
        },
      };
    },
  };
}

function pollOf(isUp: boolean, { listening, deaf }: { listening: number; deaf: number }): number {
  return isUp ? listening : deaf;
}

function sleepUntilTold(watch: Watch, ms: number): Promise<void> {
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
