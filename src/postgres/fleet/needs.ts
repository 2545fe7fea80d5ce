import { type Kysely, type RawBuilder, sql } from 'kysely';
import { type Scope, scopeOf } from '../../domain/callers/scope.ts';
import type { BoundedCount, FleetReader, GrantCount, NeedCount, NeedExample } from '../../domain/ports/fleet.ts';
import { seenByOwner } from '../connections/seen-status.ts';
import type { Tables } from '../tables.ts';
import { foldFleetIfMany, readCounts } from './counts.ts';
import { brokenValues, joinFacts, ownersOf } from './facts.ts';

/** Connections that the count of unconnected ones looks at: about 50 ms. */
const maxConnections = 2_000;
/** Groups that get an example. The others are the smallest. */
const maxExamples = 20;
/** Rows of one group that the search for an example reads of one owner, or of all. */
const maxTried = 100;
/** Owners of a caller that the search for examples tries. */
const maxOwners = 100;

type Need = Omit<NeedCount, 'example'>;

export function createNeedsReader({
  db,
  most = maxConnections,
}: {
  db: Kysely<Tables>;
  most?: number;
}): Pick<FleetReader, 'readNeeds'> {
  return {
    async readNeeds(reach) {
      const scope = scopeOf(reach, undefined);
      await foldFleetIfMany(db);
      const needs = needsOf(await readCounts(db, scope));
      const examples = await findExamples(db, needs.slice(0, maxExamples), scope);
      return {
        groups: needs.map((need, at) => ({ ...need, example: examples.get(at) ?? null })),
        neverConnected: await countNeverConnected(db, scope, most),
      };
    },
  };
}

/** Adds the counts of grants that differ in their stored status only. */
function needsOf(counts: readonly GrantCount[]): Need[] {
  const needs = new Map<string, Need>();
  for (const { provider, reason, nextAction, grants } of counts) {
    if (nextAction !== 'authorize' && nextAction !== 'reconfigure') continue;
    const key = JSON.stringify([provider, reason, nextAction]);
    needs.set(key, { provider, reason, nextAction, grants: grants + (needs.get(key)?.grants ?? 0) });
  }
  return [...needs.values()].sort((one, other) => other.grants - one.grants);
}

/** Finds a grant of each group by the indexes of grants that do not work. */
async function findExamples(
  db: Kysely<Tables>,
  needs: readonly Need[],
  scope: Scope,
): Promise<ReadonlyMap<number, NeedExample>> {
  if (needs.length === 0) return new Map();
  const states = brokenValues.status ?? [];
  const ofState = sql`status <> 'completed' and status = state.name and next_action = need.next_action
    and reason = need.reason`;
  // Only columns of the index: it is then read in order. With others, reading the whole group can look cheaper.
  const owners = ownersOf(scope)?.slice(0, maxOwners);
  const tried =
    owners === undefined
      ? sql`(select grant_id from fleet_grants where provider = need.provider and ${ofState}
          order by grant_id limit ${maxTried})`
      : sql`(select own.grant_id from unnest(${owners}::text[]) as caller (owner) cross join lateral (
          select grant_id from fleet_grants where fleet_grants.owner = caller.owner and ${ofState}
          order by grant_id limit ${maxTried}) as own)`;
  const isMatch = scope.kind === 'organized' ? sql`f.owner <> ''` : sql`f.provider = need.provider`;
  const { rows } = await sql<{ at: number } & Omit<NeedExample, 'organizationId'> & { owner: string }>`
    select (need.place - 1)::int as at, found.grant_id as "grantId", found.owner, found.connection_name as "connectionName"
    from unnest(${needs.map((need) => need.provider)}::text[], ${needs.map((need) => need.nextAction)}::text[],
      ${needs.map((need) => need.reason ?? '')}::text[]) with ordinality as need (provider, next_action, reason, place)
    cross join lateral (
      select tried.grant_id, f.owner, f.connection_name from unnest(${states}::text[]) as state (name)
      cross join lateral ${tried} as tried ${joinFacts(sql`tried.grant_id`)} where ${isMatch} limit 1
    ) as found`.execute(db);
  return new Map(
    rows.map(({ at, owner, ...example }) => [at, { ...example, organizationId: owner === '' ? null : owner }]),
  );
}

/** Looks at the first connections of the scope, in the order of their index. */
async function countNeverConnected(db: Kysely<Tables>, scope: Scope, most: number): Promise<BoundedCount> {
  const owner = sql`coalesce(organization_id, '')`;
  const below = (isOwned: RawBuilder<unknown>) => sql`(
    select id, organization_id from connections where ${isOwned} order by ${owner}, provider, name, id limit ${most + 1})`;
  const owners = ownersOf(scope);
  const listed =
    owners === undefined
      ? below(scope.kind === 'all' ? sql`true` : sql`${owner} > ''`)
      : sql`(select own.id, own.organization_id from unnest(${owners}::text[]) as caller (owner)
          cross join lateral ${below(sql`${owner} = caller.owner`)} as own limit ${most + 1})`;
  // A look-up of one grant of each connection. Written as `not exists`, a join of whole tables can look cheaper.
  const anyGrant = sql`(select id from grants where connection_id = c.id
    order by connection_id, organization_id, subject, slot_account_id limit 1)`;
  const { rows } = await sql<BoundedCount>`
    select count(*) filter (where ${anyGrant} is null and v.status = 'not_connected')::int as count,
      count(*) <= ${most} as "isComplete"
    from ${listed} as c ${seenByOwner}`.execute(db);
  return rows[0] ?? { count: 0, isComplete: true };
}
