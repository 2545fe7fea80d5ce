import { type Kysely, sql } from 'kysely';
import type { HealthStore } from '../domain/ports/upkeep.ts';
import { toConnection } from './connection-rows.ts';
import { toGrant } from './grant-rows.ts';
import type { Tables } from './tables.ts';

export function createHealthStore({ db }: { db: Kysely<Tables> }): HealthStore {
  return {
    async unchecked({ since, providers, after, limit }) {
      const rows = await db
        .selectFrom('grants')
        .selectAll('grants')
        .innerJoin('connections', 'connections.id', 'grants.connection_id')
        .where((eb) =>
          eb.or([
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
          ]),
        )
        .$if(after !== null, (query) => query.where('grants.id', '>', after))
        .orderBy('grants.id')
        .limit(limit)
        .execute();
      if (rows.length === 0) return [];
      // Apart: the two tables share names of columns, and many grants share a connection.
      const connections = await db
        .selectFrom('connections')
        .selectAll()
        .where('id', 'in', [...new Set(rows.map((row) => row.connection_id))])
        .execute();
      const byId = new Map(connections.map((row) => [row.id, toConnection(row)]));
      return rows.flatMap((row) => {
        const connection = byId.get(row.connection_id);
        return connection === undefined ? [] : [{ grant: toGrant(row), connection }];
      });
    },

    async record(records, at) {
      if (records.length === 0) return;
      await sql`
        update grants set health = found.health, health_error = found.error, last_health_check_at = ${at}
        from unnest(
          ${records.map(({ grantId }) => grantId)}::uuid[], ${records.map(({ version }) => version)}::int[],
          ${records.map(({ health }) => health)}::text[], ${records.map(({ error }) => error)}::text[]
        ) as found (id, version, health, error)
        where grants.id = found.id and grants.version = found.version`.execute(db);
    },
  };
}
