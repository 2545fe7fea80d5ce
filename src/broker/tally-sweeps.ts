import { type RefreshOutcome, refreshOutcomes, type SweepStore, type SweepTally } from '../domain/ports/upkeep.ts';

/**
 * Counts how the refreshes of sweeps ended. Gathered in this process and written now and then: what it has not written
 * when it is killed is missing from a statistic, and from nothing else.
 */
export interface TallySweeps {
  note(sweepId: string, outcome: RefreshOutcome): void;
  /** Writes what is still to be written. */
  flush(): Promise<void>;
}

export interface TallySweepsDeps {
  sweeps: Pick<SweepStore, 'count'>;
  /** Rejects when the process ends. */
  sleep: (ms: number) => Promise<void>;
  onError: (error: unknown) => void;
}

const writeEveryMs = 1_000;

export function createTallySweeps({ sweeps, sleep, onError }: TallySweepsDeps): TallySweeps {
  let waiting = new Map<string, SweepTally>();
  let isPlanned = false;

  function add(sweepId: string, more: Partial<SweepTally>): void {
    const tally = waiting.get(sweepId) ?? { refreshed: 0, failed: 0, skipped: 0 };
    for (const outcome of refreshOutcomes) tally[outcome] += more[outcome] ?? 0;
    waiting.set(sweepId, tally);
  }

  async function flush(): Promise<void> {
    const taken = waiting;
    waiting = new Map();
    for (const [sweepId, tally] of taken) {
      try {
        await sweeps.count(sweepId, tally);
      } catch (error) {
        add(sweepId, tally);
        onError(error);
      }
    }
  }

  async function writeSoon(): Promise<void> {
    // The process ends: whoever closes it flushes.
    await sleep(writeEveryMs).catch(() => undefined);
    isPlanned = false;
    await flush();
  }

  return {
    note(sweepId, outcome) {
      add(sweepId, { [outcome]: 1 });
      if (isPlanned) return;
      isPlanned = true;
      void writeSoon();
    },
    flush,
  };
}
