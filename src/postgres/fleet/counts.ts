import { type Kysely, sql } from 'kysely';
import type { Scope } from '../../domain/callers/scope.ts';
import type { FleetCounts, GrantCount } from '../../domain/ports/fleet.ts';
import { areOldest } from '../batch/oldest-rows.ts';
import type { Tables } from '../tables.ts';
import { ownersOf } from './facts.ts';

/** Changes added to the counts in one transaction, about 100 ms. A larger number delays the next process that folds. */
const foldedTogether = 20_000;
/** Transactions of one call. The rest waits for the next call. */
const maxFolds = 10;
/** Changes that are read with the counts. More of them are folded first. */
const fewChanges = 10_000;
/** Key of the advisory lock: an arbitrary number that no other lock in the database uses. */
const foldLock = '7203117461220330';

/** Adds changes to the counts, oldest first, until few are left. */
export function createFleetCounts(db: Kysely<Tables>): FleetCounts {
  return {
    async fold() {
      for (let folds = 0; folds < maxFolds; folds++) {
        if ((await foldSome(db)) < foldedTogether) return;
      }
    },
  };
}

/** Folds only if reading the counts would otherwise read many changes: no worker has folded them. */
export async function foldIfMany(db: Kysely<Tables>): Promise<void> {
  const { rows } = await sql<{ many: boolean }>`
    select exists (select from fleet_count_changes order by id offset ${fewChanges} limit 1) as many`.execute(db);
  if (rows[0]?.many === true) await createFleetCounts(db).fold();
}

/** Returns the number of changes. 0 if another process folds at this moment. */
async function foldSome(db: Kysely<Tables>): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    const { rows: locks } = await sql<{ locked: boolean }>`
      select pg_try_advisory_xact_lock(${foldLock}::bigint) as locked`.execute(transaction);
    if (locks[0]?.locked !== true) return 0;
    const { rows } = await sql<{ changes: number }>`
      with taken as (
        delete from fleet_count_changes
        where ${areOldest('fleet_count_changes', foldedTogether)}
        returning owner, provider, status, next_action, reason, grants
      ), summed as (
        select all_owners.owner, provider, status, next_action, reason, sum(grants) as grants
        from taken cross join lateral (
          select taken.owner union all select '*' where taken.owner <> ''
        ) as all_owners (owner)
        group by all_owners.owner, provider, status, next_action, reason having sum(grants) <> 0
      ), added as (
        insert into fleet_counts as counts (owner, provider, status, next_action, reason, grants)
        select owner, provider, status, next_action, reason, grants from summed
        on conflict (owner, provider, status, next_action, reason)
        do update set grants = counts.grants + excluded.grants
      )
      select count(*)::int as changes from taken`.execute(transaction);
    return rows[0]?.changes ?? 0;
  });
}

/**
 * Sums the grants of a scope by state. One statement, so that a change is either in the counts or beside them. Reads a
 * row for each state of each owner, and the changes that are not yet folded.
 */
export async function readCounts(db: Kysely<Tables>, scope: Scope): Promise<GrantCount[]> {
  const owners = ownersOf(scope);
  const counted = owners ?? (scope.kind === 'all' ? ['*', ''] : ['*']);
  const changed =
    owners === undefined ? (scope.kind === 'all' ? sql`true` : sql`owner <> ''`) : sql`owner = any(${owners}::text[])`;
  const { rows } = await sql<Omit<GrantCount, 'reason'> & { reason: GrantCount['reason'] | '' }>`
    select provider, status, next_action as "nextAction", reason, sum(grants) as grants
    from (
      select provider, status, next_action, reason, grants from fleet_counts where owner = any(${counted}::text[])
      union all
      select provider, status, next_action, reason, grants from fleet_count_changes where ${changed}
    ) as counted
    group by provider, status, next_action, reason having sum(grants) <> 0
    order by provider, status, next_action, reason`.execute(db);
  return rows.map((row) => ({ ...row, reason: row.reason === '' ? null : row.reason }));
}
