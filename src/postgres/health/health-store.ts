import { type ExpressionBuilder, type Kysely, type RawBuilder, sql } from 'kysely';
import { scopeOf } from '../../domain/callers/scope.ts';
import type { Grant } from '../../domain/grants/grant.ts';
import type {
  HealthRecord,
  HealthStore,
  ReplacedHealth,
  UncheckedQuery,
} from '../../domain/ports/maintenance/health.ts';
import type { SweepCursor } from '../../domain/ports/maintenance/lanes.ts';
import { instant } from '../columns.ts';
import { connectionColumns, toConnection } from '../connections/connection-rows.ts';
import { grantColumns, toGrant } from '../grants/grant-rows.ts';
import { columnsOf, type Tables } from '../tables.ts';

export function createHealthStore({ db }: { db: Kysely<Tables> }): HealthStore {
  const unchecked = (query: UncheckedQuery) =>
    db
      .selectFrom('grants')
      .innerJoin('connections', 'connections.id', 'grants.connection_id')
      .where((eb) => isUnchecked(eb, query));
  return {
    async lanes(query) {
      const rows = await unchecked(query)
        .select(['grants.organization_id', 'grants.connection_id'])
        .distinct()
        .orderBy('grants.connection_id')
        .execute();
      return rows.map((row) => ({ organizationId: row.organization_id, connectionId: row.connection_id }));
    },

    async unchecked(query, { organizationId, connectionId }, { after, limit }) {
      const connection = await db
        .selectFrom('connections')
        .select(connectionColumns)
        .where('id', '=', connectionId)
        .executeTakeFirst();
      if (connection === undefined) return undefined;
      // Expression and order of the index grants_listed. Under a row policy, Postgres would sort what an equal
      // expression leaves out of the order.
      const owner = sql`coalesce(grants.organization_id, '')`;
      const rows = await unchecked(query)
        .select(columnsOf('grants', grantColumns))
        .where('grants.connection_id', '=', connectionId)
        .where(sql<boolean>`${owner} = ${organizationId ?? ''}`)
        .$if(after !== null, (page) =>
          page.where(sql<boolean>`(grants.created_at, grants.id) > (${after?.at}::timestamptz, ${after?.id}::uuid)`),
        )
        .orderBy('grants.connection_id')
        .orderBy(owner)
        .orderBy('grants.created_at')
        .orderBy('grants.id')
        .limit(limit)
        .execute();
      const last = rows.length === limit ? rows.at(-1) : undefined;
      return {
        grants: rows.map((row) => toGrant(row)),
        connection: toConnection(connection),
        next: last === undefined ? null : { at: last.created_at, id: last.id },
      };
    },

    record: (records, at) => recordHealth(db, records, at),

    async grantsOf(connectionId, reach, limit) {
      const scope = scopeOf(reach, undefined);
      const owners = scope.kind === 'listed' ? scope.owners.map((owner) => owner ?? '') : undefined;
      if (owners === undefined) {
        const within = scope.kind === 'all' ? sql`` : sql`and ${laneOwner} > ''`;
        return readGrants(db, await listOfConnection(db, connectionId, within, limit));
      }
      const found: SweepCursor[] = [];
      // One look-up for each owner, which ends as soon as the page is full.
      for (const owner of owners.toSorted()) {
        if (found.length >= limit) break;
        const ofOwner = sql`and ${laneOwner} = ${owner}`;
        found.push(...(await listOfConnection(db, connectionId, ofOwner, limit - found.length)));
      }
      return readGrants(db, found);
    },

    async read(grantIds) {
      if (grantIds.length === 0) return new Map();
      const rows = await db
        .selectFrom('grants')
        .select(['id', 'health', 'health_error', 'last_health_check_at'])
        .where('id', 'in', grantIds)
        .execute();
      return new Map(
        rows.map((row) => [
          row.id,
          { health: row.health, error: row.health_error, lastCheckAt: row.last_health_check_at },
        ]),
      );
    },
  };
}

/** Owner of a grant as the index grants_listed has it. */
export const laneOwner = sql`coalesce(organization_id, '')`;

/**
 * Lists places in the index grants_listed, which holds the grants of a connection in this order. Only columns of the index:
 * with others, sorting all grants of the connection can look cheaper to the planner.
 */
export async function listOfConnection(
  db: Kysely<Tables>,
  connectionId: string,
  condition: RawBuilder<unknown>,
  limit: number,
): Promise<SweepCursor[]> {
  const { rows } = await sql<SweepCursor>`
    select id, ${instant(sql`created_at`)} as at from grants where connection_id = ${connectionId}::uuid ${condition}
    order by connection_id, ${laneOwner}, created_at, id limit ${limit}`.execute(db);
  return rows;
}

/** Reads grants in the order of their places. A grant that was deleted meanwhile is left out. */
export async function readGrants(db: Kysely<Tables>, places: readonly SweepCursor[]): Promise<Grant[]> {
  const ids = places.map(({ id }) => id);
  if (ids.length === 0) return [];
  const rows = await db.selectFrom('grants').select(grantColumns).where('id', 'in', ids).execute();
  const grants = new Map(rows.map((row) => [row.id, toGrant(row)]));
  return ids.flatMap((id) => grants.get(id) ?? []);
}

export async function recordHealth(
  db: Kysely<Tables>,
  records: readonly HealthRecord[],
  at: Date,
): Promise<ReplacedHealth[]> {
  if (records.length === 0) return [];
  // Locks before it reads the earlier verdicts: a concurrent check then sees the new ones.
  const { rows } = await sql<ReplacedHealth>`
    with found as (
      select one.id, one.version, one.health, one.error from unnest(
        ${records.map(({ grantId }) => grantId)}::uuid[], ${records.map(({ version }) => version)}::int[],
        ${records.map(({ health }) => health)}::text[], ${records.map(({ error }) => error)}::text[]
      ) as one (id, version, health, error)
    ), earlier as (
      select id, health, health_error as error from grants
      where (id, version) in (select id, version from found) order by id for no key update
    ), written as (
      update grants set health = found.health, health_error = found.error, last_health_check_at = ${at}
      from found join earlier using (id)
      where grants.id = found.id and grants.version = found.version
      returning grants.id, earlier.health, earlier.error,
        (earlier.health, earlier.error) is distinct from (found.health, found.error) as is_changed
    )
    select id as "grantId", health, error from written where is_changed`.execute(db);
  return rows;
}

function isUnchecked(eb: ExpressionBuilder<Tables, 'grants' | 'connections'>, { since, providers }: UncheckedQuery) {
  return eb.or([
    eb.and([
      eb('grants.status', '=', 'completed'),
      eb.or([eb('last_health_check_at', 'is', null), eb('last_health_check_at', '<=', since)]),
      eb.or([
        eb('connections.test_url', 'is not', null),
        eb('connections.provider', '=', eb.fn.any(eb.val([...providers]))),
      ]),
    ]),
    eb.and([
      eb('grants.status', '=', 'failed'),
      eb.or([
        eb('last_health_check_at', 'is', null),
        eb('last_health_check_at', '<', eb.ref('grants.updated_at')),
        sql<boolean>`health is distinct from 'unhealthy'`,
      ]),
    ]),
  ]);
}
