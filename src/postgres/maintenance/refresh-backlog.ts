import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { RefreshSchedule } from '../../domain/grants/refresh-policy.ts';
import { sweepParts } from '../../domain/ports/maintenance/sweeps.ts';
import type { BacklogReadings } from '../../domain/ports/monitoring/readings.ts';
import { instant } from '../columns.ts';
import type { Tables } from '../tables.ts';
import { dueGrants } from './due-grants.ts';

/** Grants that are counted at most. More would make a scrape read as much as a sweep does. */
const maxCounted = 10_000;

type Schedule = Pick<RefreshSchedule, 'intervalMs' | 'windowMs'>;

export type ReadBacklog = (now: Date, schedule: Schedule) => Promise<BacklogReadings>;

/** Reads how far refreshes are behind. */
export function createReadBacklog({ db }: { db: Kysely<Tables> }): ReadBacklog {
  return async (now, schedule) => {
    const counted = await countDue(now, schedule).execute(db);
    const oldest = await oldestExpiry.execute(db);
    const overdueMs = now.getTime() - (oldest.rows[0]?.at ?? now).getTime();
    return { due: counted.rows[0]?.due ?? 0, overdueSeconds: Math.max(0, overdueMs) / 1000 };
  };
}

/** Reads the partial indexes of the sweep, each from its beginning. */
export function countDue(now: Date, { intervalMs, windowMs }: Schedule): RawBuilder<{ due: number }> {
  const parts = sweepParts.map(
    (part) =>
      sql`(select 1 from (${dueGrants({ part, now, intervalMs, windowMs, after: null, limit: maxCounted })}) due)`,
  );
  return sql`select count(*)::int as due from (${sql.join(parts, sql` union all `)} limit ${maxCounted}) counted`;
}

/** Reads the first entry of an index. */
export const oldestExpiry: RawBuilder<{ at: Date }> = sql`
  select ${instant(sql`expires_at`)} as at from grants
  where status = 'completed' and refreshable and expires_at is not null
  order by grants.expires_at, id limit 1`;
