import {
  type RefreshOutcome,
  refreshOutcomes,
  type SweepCounts,
  type SweepStore,
} from '../../domain/ports/maintenance/sweeps.ts';

/**
 * Counts the outcomes of a sweep's refreshes. Collects them in memory and writes them periodically: a killed process
 * loses at most a second of statistics.
 */
export interface SweepStatistics {
  note(sweepId: string, outcome: RefreshOutcome): void;
  /** Writes all outcomes that are not written yet. */
  flush(): Promise<void>;
}

export interface SweepStatisticsDeps {
  sweeps: Pick<SweepStore, 'count'>;
  /** Rejects when the process ends. */
  sleep: (ms: number) => Promise<void>;
  onError: (error: unknown) => void;
}

/** Milliseconds between two writes. A longer pause loses more statistics with a killed process. */
const writeEveryMs = 1_000;

export function createSweepStatistics({ sweeps, sleep, onError }: SweepStatisticsDeps): SweepStatistics {
  let waiting = new Map<string, SweepCounts>();
  let isPlanned = false;

  function add(sweepId: string, more: Partial<SweepCounts>): void {
    const statistics = waiting.get(sweepId) ?? { refreshed: 0, failed: 0, skipped: 0 };
    for (const outcome of refreshOutcomes) statistics[outcome] += more[outcome] ?? 0;
    waiting.set(sweepId, statistics);
  }

  async function flush(): Promise<void> {
    const taken = waiting;
    waiting = new Map();
    for (const [sweepId, statistics] of taken) {
      try {
        await sweeps.count(sweepId, statistics);
      } catch (error) {
        add(sweepId, statistics);
        onError(error);
      }
    }
  }

  async function writeSoon(): Promise<void> {
    // A rejected sleep means that the process ends.
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
