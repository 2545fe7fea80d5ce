import type pg from 'pg';

/** The time all processes on one database agree on. */
export interface SharedClock {
  now(): Date;
  /** Asks the database once; to be called at the start, and again from time to time. Throws where it does not answer. */
  synchronize(): Promise<void>;
}

/** Below this the machines agree well enough, and a correction would only add the noise of the round trip. */
const toleratedMs = 1_000;

/**
 * This machine's clock, corrected by the database's where they differ: expiries are written by one process and read by
 * the others, and one whose clock is minutes ahead would make them all hand out tokens that have expired.
 */
export function createSharedClock({ pool }: { pool: Pick<pg.Pool, 'query'> }): SharedClock {
  let offsetMs = 0;
  return {
    now: () => new Date(Date.now() + offsetMs),

    async synchronize() {
      const sentAt = Date.now();
      const { rows } = await pool.query<{ now: number }>(
        'select (extract(epoch from clock_timestamp()) * 1000)::float8 as now',
      );
      const roundTripMs = Date.now() - sentAt;
      const [answer] = rows;
      // The answer was made somewhere within the round trip: a slow one says too little.
      if (answer === undefined || roundTripMs > toleratedMs) return;
      const aheadMs = answer.now - (sentAt + roundTripMs / 2);
      offsetMs = Math.abs(aheadMs) < toleratedMs ? 0 : Math.round(aheadMs);
    },
  };
}
