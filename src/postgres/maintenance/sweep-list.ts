import { type Kysely, sql } from 'kysely';
import type { SweepStore } from '../../domain/ports/maintenance/sweeps.ts';
import { instant } from '../columns.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import type { Tables } from '../tables.ts';
import { dueGrants } from './due-grants.ts';

/**
 * Keeps the due grants of a sweep in a table while the sweep deals them out. The grants are read once, in the order of
 * their partial indexes; the list is then read lane by lane.
 */
export function createSweepList(db: Kysely<Tables>): Pick<SweepStore, 'collect' | 'lanes' | 'due'> {
  return {
    async collect(id, query) {
      const { rows } = await sql<{ found: number; at: Date; id: string }>`
        with due as materialized (${dueGrants(query)}),
          listed as (
            insert into sweep_grants (sweep_id, urgent, connection_id, organization_id, grant_id)
            select ${id}::uuid, urgent, connection_id, organization_id, id from due order by at, id
          )
        select (select count(*)::int from due) as found, ${instant(sql`at`)} as at, id
        from due order by due.at desc, id desc limit 1`.execute(db);
      const [last] = rows;
      if (last === undefined) return { found: 0, next: null };
      return { found: last.found, next: last.found === query.limit ? { at: last.at, id: last.id } : null };
    },

    async lanes(id) {
      const rows = await db
        .selectFrom('sweep_grants')
        .select(['organization_id', 'connection_id', 'urgent'])
        .distinct()
        .where('sweep_id', '=', id)
        .execute();
      return rows.map((row) => ({
        organizationId: row.organization_id,
        connectionId: row.connection_id,
        urgent: row.urgent,
      }));
    },

    async due(id, { organizationId, connectionId, urgent }, { after, limit }) {
      const rows = await db
        .selectFrom('sweep_grants')
        .select('grant_id')
        .select(sql<string>`position::text`.as('position'))
        .where('sweep_id', '=', id)
        .where('urgent', '=', urgent)
        .where('connection_id', '=', connectionId)
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        .$if(after !== null, (query) => query.where('position', '>', after))
        // The column: as text, position 10 would come before 9, and the next page would begin after it.
        .orderBy('sweep_grants.position')
        .limit(limit)
        .execute();
      const next = rows.length === limit ? (rows.at(-1)?.position ?? null) : null;
      return { grantIds: rows.map((row) => row.grant_id), next };
    },
  };
}

export async function deleteList(db: Kysely<Tables>, id: string): Promise<void> {
  await db.deleteFrom('sweep_grants').where('sweep_id', '=', id).execute();
}
