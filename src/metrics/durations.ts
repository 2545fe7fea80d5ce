/** Durations counted by upper bound: the numbers behind one series of a histogram. */
export interface Durations {
  /** Number of durations at or below each bound and above the one before. */
  readonly counts: number[];
  count: number;
  sum: number;
}

export function createDurations(bounds: readonly number[]): Durations {
  return { counts: bounds.map(() => 0), count: 0, sum: 0 };
}

export function observe(durations: Durations, bounds: readonly number[], seconds: number): void {
  durations.count += 1;
  durations.sum += seconds;
  let index = 0;
  for (const bound of bounds) {
    if (seconds <= bound) break;
    index += 1;
  }
  if (index < bounds.length) durations.counts[index] = (durations.counts[index] ?? 0) + 1;
}
