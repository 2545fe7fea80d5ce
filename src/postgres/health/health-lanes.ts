import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { HealthLane, HealthRunStore } from '../../domain/ports/maintenance/health-runs.ts';
import { connectionColumns, toConnection } from '../connections/connection-rows.ts';
import type { Tables } from '../tables.ts';
import { laneOwner, listOfConnection, readGrants } from './health-store.ts';

/** Lanes that one statement lists: each is one look-up in an index, so the statement takes about 20 ms. */
const listedTogether = 1_000;
/** Sorts before every id of a connection. */
const beforeAll = '00000000-0000-0000-0000-000000000000';

/** Keeps the lanes of a run. A lane that is checked to its end is deleted. */
export function createHealthLanes(db: Kysely<Tables>): Pick<HealthRunStore, 'listLanes' | 'nextLane' | 'grantsOf'> {
  return {
    async listLanes({ id, claim }) {
      // Continues behind the last listed lane, also in place of a process that was killed.
      const last = await db
        .selectFrom('health_run_lanes')
        .select(['connection_id', 'owner'])
        .where('run_id', '=', id)
        .orderBy('connection_id', 'desc')
        .orderBy('owner', 'desc')
        .limit(1)
        .executeTakeFirst();
      const laneBehind = (connectionId: RawBuilder<unknown>, owner: RawBuilder<unknown>) => sql`
        select connection_id, ${laneOwner} as owner from grants
        where (connection_id, ${laneOwner}) > (${connectionId}, ${owner})
        order by connection_id, ${laneOwner} limit 1`;
      // Jumps from lane to lane in the index grants_listed: no statement reads all grants.
      const { rows } = await sql<{ lanes: number }>`
        with recursive lane as (
          select first.connection_id, first.owner, 1 as number
          from (${laneBehind(sql`${last?.connection_id ?? beforeAll}::uuid`, sql`${last?.owner ?? ''}`)}) as first
          union all
          select next.connection_id, next.owner, lane.number + 1
          from lane cross join lateral (${laneBehind(sql`lane.connection_id`, sql`lane.owner`)}) as next
          where lane.number < ${listedTogether}
        ), listed as (
          insert into health_run_lanes (run_id, connection_id, owner)
          select run.id, lane.connection_id, lane.owner from lane cross join health_runs as run
          where run.id = ${id}::uuid and run.claimed_by = ${claim}::uuid and not run.lanes_listed
          on conflict do nothing returning 1
        )
        select count(*)::int as lanes from listed`.execute(db);
      if (rows[0]?.lanes === listedTogether) return true;
      await db
        .updateTable('health_runs')
        .set({ lanes_listed: true })
        .where('id', '=', id)
        .where('claimed_by', '=', claim)
        .execute();
      return false;
    },

    async nextLane({ id }, { behind, busy }) {
      const next = (owner: string | undefined) =>
        db
          .selectFrom('health_run_lanes')
          .select(['connection_id', 'owner', 'turn', 'after_at', 'after_id'])
          .where('run_id', '=', id)
          .$if(owner !== undefined, (query) => query.where('owner', '>', owner ?? ''))
          .$if(busy.length > 0, (query) =>
            query.where(
              'owner',
              'not in',
              busy.map((each) => each ?? ''),
            ),
          )
          .orderBy('health_run_lanes.owner')
          .orderBy('health_run_lanes.turn')
          .orderBy('health_run_lanes.connection_id')
          .limit(1)
          .executeTakeFirst();
      const row =
        behind === undefined ? await next(undefined) : ((await next(behind ?? '')) ?? (await next(undefined)));
      if (row === undefined) return undefined;
      const { after_at: at, after_id: place } = row;
      return {
        organizationId: row.owner === '' ? null : row.owner,
        connectionId: row.connection_id,
        turn: row.turn,
        after: at === null || place === null ? null : { at, id: place },
      } satisfies HealthLane;
    },

    async grantsOf({ organizationId, connectionId, after }, limit) {
      const connection = await db
        .selectFrom('connections')
        .select(connectionColumns)
        .where('id', '=', connectionId)
        .executeTakeFirst();
      if (connection === undefined) return undefined;
      const isBehind =
        after === null ? sql`` : sql`and (created_at, id) > (${after.at}::timestamptz, ${after.id}::uuid)`;
      const page = await listOfConnection(
        db,
        connectionId,
        sql`and ${laneOwner} = ${organizationId ?? ''} ${isBehind}`,
        limit,
      );
      const last = page.length === limit ? page.at(-1) : undefined;
      return {
        grants: await readGrants(db, page),
        connection: toConnection(connection),
        next: last ?? null,
      };
    },
  };
}
