import { type Kysely, sql } from 'kysely';
import type { Scope } from '../../domain/callers/scope.ts';
import type { FleetCounts, GrantCount } from '../../domain/ports/fleet.ts';
import { type FoldedCounts, foldChanges, foldIfMany } from '../batch/fold-changes.ts';
import type { Tables } from '../tables.ts';
import { ownersOf } from './facts.ts';

const counts: FoldedCounts = {
  changes: 'fleet_count_changes',
  lock: '7203117461220330',
  fold: (batch) => sql`
    with taken as (
      delete from fleet_count_changes where ${batch}
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
    select count(*)::int as changes from taken`,
};

export function createFleetCounts(db: Kysely<Tables>): FleetCounts {
  return { fold: () => foldChanges(db, counts) };
}

/** Prepares a read of the counts: changes that no worker has folded are folded if they are many. */
export function foldFleetIfMany(db: Kysely<Tables>): Promise<void> {
  return foldIfMany(db, counts);
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
