import { type Kysely, sql } from 'kysely';
import { scopeOf } from '../../domain/callers/scope.ts';
import type { Health } from '../../domain/grants/grant.ts';
import type { HealthCounts } from '../../domain/ports/maintenance/health-runs.ts';
import { areOldest } from '../batch/oldest-rows.ts';
import type { Tables } from '../tables.ts';

/** Changes added to the counts in one transaction, about 100 ms. A larger number delays the next process that folds. */
const foldedTogether = 20_000;
/** Transactions of one call. The rest waits for the next call. */
const maxFolds = 10;
/** Changes that are read with the counts. More of them are folded first. */
const fewChanges = 10_000;
/** Key of the advisory lock: an arbitrary number that no other lock in the database uses. */
const foldLock = '7203117461220340';

export function createHealthCounts({ db }: { db: Kysely<Tables> }): HealthCounts {
  async function fold(): Promise<void> {
    for (let folds = 0; folds < maxFolds; folds++) {
      if ((await foldSome(db)) < foldedTogether) return;
    }
  }
  return {
    fold,
    async read(reach) {
      const { rows: changes } = await sql<{ many: boolean }>`
        select exists (select from health_count_changes order by id offset ${fewChanges} limit 1) as many`.execute(db);
      if (changes[0]?.many === true) await fold();
      const scope = scopeOf(reach, undefined);
      const owners = scope.kind === 'listed' ? scope.owners.map((owner) => owner ?? '') : undefined;
      const counted = owners ?? (scope.kind === 'all' ? ['*', ''] : ['*']);
      const changed =
        owners === undefined
          ? scope.kind === 'all'
            ? sql`true`
            : sql`owner <> ''`
          : sql`owner = any(${owners}::text[])`;
      // One statement, so that a change is either in the counts or beside them.
      const { rows } = await sql<{ health: Health | ''; grants: number }>`
        select health, sum(grants) as grants from (
          select health, grants from health_counts where owner = any(${counted}::text[])
          union all
          select health, grants from health_count_changes where ${changed}
        ) as counted group by health`.execute(db);
      const of = (health: Health | '') => rows.find((row) => row.health === health)?.grants ?? 0;
      return { healthy: of('healthy'), unhealthy: of('unhealthy'), unchecked: of('') };
    },
  };
}

/** Returns the number of changes. 0 if another process folds at this moment. */
async function foldSome(db: Kysely<Tables>): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    const { rows: locks } = await sql<{ locked: boolean }>`
      select pg_try_advisory_xact_lock(${foldLock}::bigint) as locked`.execute(transaction);
    if (locks[0]?.locked !== true) return 0;
    const { rows } = await sql<{ changes: number }>`
      with taken as (
        delete from health_count_changes
        where ${areOldest('health_count_changes', foldedTogether)}
        returning owner, health, grants
      ), summed as (
        select all_owners.owner, health, sum(grants) as grants
        from taken cross join lateral (
          select taken.owner union all select '*' where taken.owner <> ''
        ) as all_owners (owner)
        group by all_owners.owner, health having sum(grants) <> 0
      ), added as (
        insert into health_counts as counts (owner, health, grants) select owner, health, grants from summed
        on conflict (owner, health) do update set grants = counts.grants + excluded.grants
      )
      select count(*)::int as changes from taken`.execute(transaction);
    return rows[0]?.changes ?? 0;
  });
}
