import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { SweepStore } from '../domain/ports/engine.ts';
import { maxSoftMarginMs } from '../domain/refresh-policy.ts';
import type { Tables } from './tables.ts';

type DueQuery = Parameters<SweepStore['due']>[0];
const lastStart = 'last_sweep_started_at';

/**
 * Ids due, earliest first. Two branches, each in the order of its own partial index and each with the limit, so that a
 * batch reads about as many rows as it returns. Whoever refreshes judges again on the row itself.
 */
export function dueGrants({ now, intervalMs, windowMs, after, limit }: DueQuery): RawBuilder<{ at: Date; id: string }> {
  const later = (ms: number) => new Date(now.getTime() + ms);
  const beyond = (column: string) =>
    after === null ? sql`true` : sql`(${sql.ref(column)}, id) > (${after.at}::timestamptz, ${after.id}::uuid)`;
  return sql<{ at: Date; id: string }>`
    select at, id from (
      (select expires_at as at, id from grants
        where status = 'completed' and refreshable and expires_at is not null
          and expires_at <= ${later(windowMs)} and ${beyond('expires_at')}
          and (retry_at is null or retry_at <= ${now})
          -- Obtained just now and sure to outlive the next sweep: no storm after a restart.
          and not (coalesce(obtained_at > ${later(-intervalMs / 2)}, false) and expires_at > ${later(intervalMs + maxSoftMarginMs)})
        order by expires_at, id limit ${limit})
      union all
      (select retry_at as at, id from grants
        where status = 'failed' and retry_at is not null and retry_at <= ${now} and ${beyond('retry_at')}
        order by retry_at, id limit ${limit})
    ) due
    order by at, id limit ${limit}`;
}

export function createSweepStore(deps: { db: Kysely<Tables> }): SweepStore {
  const { db } = deps;
  return {
    async due(query) {
      const { rows } = await dueGrants(query).execute(db);
      const last = rows.at(-1);
      const next = last !== undefined && rows.length === query.limit ? last : null;
      return { ids: rows.map(({ id }) => id), next };
    },

    async lastStartedAt() {
      const row = await db.selectFrom('settings').select('value').where('name', '=', lastStart).executeTakeFirst();
      return typeof row?.value === 'string' ? new Date(row.value) : null;
    },

    async recordStart(at) {
      const written = { value: JSON.stringify(at), updated_at: at };
      await db
        .insertInto('settings')
        .values({ name: lastStart, ...written })
        .onConflict((conflict) => conflict.column('name').doUpdateSet(written))
        .execute();
    },
  };
}
