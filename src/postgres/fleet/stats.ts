import { type Kysely, type RawBuilder, sql } from 'kysely';
import { scopeOf } from '../../domain/callers/scope.ts';
import type { BoundedCount, FleetReader } from '../../domain/ports/fleet.ts';
import { instant } from '../columns.ts';
import type { Tables } from '../tables.ts';
import { foldFleetIfMany, readCounts } from './counts.ts';
import { ownersOf } from './facts.ts';

/** Entries of an index that one count reads at most: a few milliseconds. */
const maxCounted = 10_000;
/** Rows of grants that one count reads at most, to learn their owners: about 50 ms. */
const maxLookedUp = 5_000;

const slot = sql`connection_id, organization_id, subject, slot_account_id`;

/** Grants to count, and the index that lists them. */
interface Measure {
  condition: RawBuilder<unknown>;
  order: RawBuilder<unknown>;
}

export function createStatsReader({
  db,
  most = maxCounted,
  mostLookedUp = maxLookedUp,
}: {
  db: Kysely<Tables>;
  most?: number;
  mostLookedUp?: number;
}): Pick<FleetReader, 'readStats' | 'countGrantsOf'> {
  return {
    async readStats(reach, { dueMs, expiryWarningMs }) {
      const scope = scopeOf(reach, undefined);
      await foldFleetIfMany(db);
      const at = await readTime(db);
      const within = (ms: number) => new Date(at.getTime() + ms);
      // One after the other: statistics must not take several connections of the pool at once.
      const counts = await readCounts(db, scope);
      const owned = counts.reduce((sum, { grants }) => sum + grants, 0);
      const count = (measure: Measure) => {
        if (scope.kind === 'all') return countUpTo(db, listOf(measure, most), most);
        const owners = ownersOf(scope);
        return owners !== undefined && owned <= mostLookedUp
          ? countUpTo(db, listOfOwners(measure, owners, mostLookedUp), mostLookedUp)
          : countUpTo(db, listWithOwners(measure, owners, mostLookedUp), mostLookedUp);
      };
      const dueSoon = await count(endingBefore('expires_at', within(dueMs)));
      const refreshTokensExpiring = await count(endingBefore('refresh_expires_at', within(expiryWarningMs)));
      const failing = await count({
        condition: sql`grants.status = 'completed' and grants.consecutive_failures > 0`,
        order: sql`grants.id`,
      });
      return { at, counts, dueSoon, failing, refreshTokensExpiring };
    },

    async countGrantsOf(connectionId, reach) {
      const scope = scopeOf(reach, undefined);
      const owners = ownersOf(scope);
      const below = (owned: RawBuilder<unknown>) => sql`(
        select status from grants where connection_id = ${connectionId}::uuid and ${owned}
        order by ${slot} limit ${most + 1})`;
      const shared = below(sql`organization_id is null`);
      const named = owners?.filter((owner) => owner !== '');
      // The order keeps the statement on the index of slots, which lists the grants of a connection by owner.
      const parts = [
        named === undefined
          ? below(sql`organization_id is not null`)
          : sql`(select below.status from unnest(${named}::text[]) as owner (id)
              cross join lateral ${below(sql`organization_id = owner.id`)} as below limit ${most + 1})`,
        ...(scope.kind === 'all' || owners?.includes('') ? [shared] : []),
      ];
      const byStatus = { not_connected: 0, completed: 0, failed: 0 };
      const { rows } = await sql<{ status: keyof typeof byStatus; grants: number }>`
        select status, count(*)::int as grants
        from (select status from (${sql.join(parts, sql` union all `)}) as below limit ${most + 1}) as counted
        group by status`.execute(db);
      for (const { status, grants } of rows) byStatus[status] = grants;
      return { byStatus, isComplete: rows.reduce((sum, { grants }) => sum + grants, 0) <= most };
    },
  };
}

function endingBefore(column: 'expires_at' | 'refresh_expires_at', before: Date): Measure {
  const date = sql.ref(`grants.${column}`);
  return {
    condition: sql`grants.status = 'completed' and grants.refreshable and ${date} is not null
      and ${date} < ${before}::timestamptz`,
    order: sql`${date}, grants.id`,
  };
}

/** The index alone is read. With other columns, sorting all rows that match can look cheaper to the planner. */
function listOf({ condition, order }: Measure, most: number): RawBuilder<unknown> {
  return sql`select id, true as counts from grants where ${condition} order by ${order} limit ${most + 1}`;
}

/** Lists the grants that match, of all owners, and whether they are within the owners; without these, whether shared. */
function listWithOwners(measure: Measure, owners: readonly string[] | undefined, most: number): RawBuilder<unknown> {
  const owner = sql`(select coalesce(organization_id, '') from grants where grants.id = matching.id)`;
  const isWithin = owners === undefined ? sql`${owner} <> ''` : sql`${owner} = any(${owners}::text[])`;
  return sql`select ${isWithin} as counts from (${listOf(measure, most)}) as matching`;
}

/** Lists the grants of the owners, and whether they match. */
function listOfOwners({ condition }: Measure, owners: readonly string[], most: number): RawBuilder<unknown> {
  return sql`
    select ${condition} as counts from (
      select owned.grant_id from unnest(${owners}::text[]) as caller (owner) cross join lateral (
        select grant_id from fleet_grants where owner = caller.owner
        order by provider, connection_name, grant_id limit ${most + 1}
      ) as owned limit ${most + 1}
    ) as owned cross join lateral (
      select id, status, refreshable, expires_at, refresh_expires_at, consecutive_failures
      from grants where grants.id = owned.grant_id limit 1
    ) as grants`;
}

async function countUpTo(db: Kysely<Tables>, rows: RawBuilder<unknown>, most: number): Promise<BoundedCount> {
  const result = await sql<{ count: number; isComplete: boolean }>`
    select count(*) filter (where counts)::int as count, count(*) <= ${most} as "isComplete"
    from (${rows}) as counted`.execute(db);
  return result.rows[0] ?? { count: 0, isComplete: true };
}

async function readTime(db: Kysely<Tables>): Promise<Date> {
  const { rows } = await sql<{ at: Date }>`select ${instant(sql`clock_timestamp()`)} as at`.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the database returned no time');
  return row.at;
}
