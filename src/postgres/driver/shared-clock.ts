import type pg from 'pg';
import { instantText } from '../columns.ts';

/** Clock that all processes on one database agree on. */
export interface SharedClock {
  now(): Date;
  /** Reads the database's clock once. Called at start and periodically after. Throws if the database does not reply. */
  synchronize(): Promise<void>;
}

/**
 * Maximum difference in milliseconds that is left uncorrected, and the longest round trip that is trusted. A smaller
 * correction would add only the noise of the round trip.
 */
const toleratedMs = 1_000;

/**
 * Creates a clock that corrects this machine's clock by the database's. Expiries are written by one process and read by
 * others: an uncorrected clock that is minutes ahead makes all of them serve expired tokens.
 */
export function createSharedClock({ pool }: { pool: Pick<pg.Pool, 'query'> }): SharedClock {
  let offsetMs = 0;
  return {
    now: () => new Date(Date.now() + offsetMs),

    async synchronize() {
      const sentAt = Date.now();
      const { rows } = await pool.query<{ now: Date }>(`select ${instantText('clock_timestamp()')} as now`);
      const roundTripMs = Date.now() - sentAt;
      const [reading] = rows;
      // The database read its clock at an unknown moment of the round trip, so a slow round trip is too imprecise.
      if (reading === undefined || roundTripMs > toleratedMs) return;
      const aheadMs = reading.now.getTime() - (sentAt + roundTripMs / 2);
      offsetMs = Math.abs(aheadMs) < toleratedMs ? 0 : Math.round(aheadMs);
    },
  };
}
