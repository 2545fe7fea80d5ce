/** A clock that only `advance` moves. */
export interface FakeTime {
  now: () => Date;
  elapsedMs: () => number;
  /** Moves the clock and wakes each sleeper at its time, in order. */
  advance(ms: number): Promise<void>;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export function createFakeTime(start: Date): FakeTime {
  let elapsed = 0;
  const sleepers = new Set<{ at: number; wake: () => void }>();
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => new Date(start.getTime() + elapsed),
    elapsedMs: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at: elapsed + ms, wake: resolve };
        sleepers.add(sleeper);
        signal.addEventListener('abort', () => {
          sleepers.delete(sleeper);
          reject(signal.reason);
        });
      }),
    async advance(ms) {
      const end = elapsed + ms;
      for (;;) {
        await settle();
        const [next] = [...sleepers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        sleepers.delete(next);
        elapsed = Math.max(elapsed, next.at);
        next.wake();
      }
      elapsed = end;
      await settle();
    },
  };
}
