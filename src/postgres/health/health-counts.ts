import { type Kysely, sql } from 'kysely';
import { scopeOf } from '../../domain/callers/scope.ts';
import type { Health } from '../../domain/grants/grant.ts';
import type { HealthCounts } from '../../domain/ports/maintenance/health-runs.ts';
import { type FoldedCounts, foldChanges, foldIfMany } from '../batch/fold-changes.ts';
import type { Tables } from '../tables.ts';

const counts: FoldedCounts = {
  changes: 'health_count_changes',
  lock: '7203117461220340',
  fold: (batch) => sql`
    with taken as (
      delete from health_count_changes where ${batch}
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
    select count(*)::int as changes from taken`,
};

export function createHealthCounts({ db }: { db: Kysely<Tables> }): HealthCounts {
  return {
    fold: () => foldChanges(db, counts),
    async read(reach) {
      await foldIfMany(db, counts);
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
