import { type Kysely, sql } from 'kysely';
import type { RefreshStore } from '../../domain/ports/engine.ts';
import { instant } from '../columns.ts';
import type { Tables } from '../tables.ts';

type ClientPauses = Pick<RefreshStore, 'countClientRefusal' | 'takeClientProbe' | 'liftClientPause'>;

const after = (ms: number) => sql<Date>`clock_timestamp() + ${ms} * interval '1 millisecond'`;

/**
 * Checks whether the refusals come from two organisations, or no other organisation has a grant to lose. Otherwise one
 * organisation could pause the refreshes of all others below a global connection. Both comparisons of organisations use
 * the index grants_listed; an inequality would read every grant of the connection.
 */
function seenByTwoOrganizations(grantId: string, connectionId: string) {
  const owner = sql`coalesce(organization_id, '')`;
  const refusedOwner = sql`(select ${owner} from grants where id = ${grantId})`;
  const another = (comparison: string) => sql<boolean>`exists (
    select from grants
    where connection_id = ${connectionId} and refreshable and sealed_tokens is not null
      and ${owner} ${sql.raw(comparison)} ${refusedOwner})`;
  return sql<boolean>`(
    exists (select from connections where id = ${connectionId} and organization_id is not null)
    or (select count(distinct ${owner}) from grants where id = any(grant_ids)) > 1
    or not (${another('<')} or ${another('>')}))`;
}

/**
 * Counts refusals of a connection's client and pauses its background refreshes. Times are the database's. Each
 * statement locks the connection before its count, as an edit does, so the two never wait for each other in a circle.
 */
export function createClientPauses({ db }: { db: Kysely<Tables> }): ClientPauses {
  return {
    // A refusal during a pause counts, but only one that follows the pause makes the next pause longer.
    async countClientRefusal({ id, connectionId }, { refusals, grants, firstMs, maxMs }) {
      await sql`
        insert into client_refusals as counted (connection_id, refusals, grant_ids)
        select id, 1, array[${id}::uuid] from connections where id = ${connectionId} for key share
        on conflict (connection_id) do update set
          refusals = counted.refusals + 1,
          grant_ids = case
            when ${id}::uuid = any(counted.grant_ids) then counted.grant_ids
            when cardinality(counted.grant_ids) < ${sql.lit(grants)} then counted.grant_ids || ${id}::uuid
            when exists (
              select from grants held join grants refused on coalesce(held.organization_id, '') = coalesce(refused.organization_id, '')
              where held.id = any(counted.grant_ids) and refused.id = ${id}::uuid
            ) then counted.grant_ids
            else counted.grant_ids[1:${sql.lit(grants - 1)}] || ${id}::uuid end`.execute(db);
      await sql`
        update client_refusals set
          paused_until = clock_timestamp()
            + least(${firstMs}::float8 * 2 ^ least(pauses, 30), ${maxMs}::float8) * interval '1 millisecond',
          pauses = pauses + 1,
          probe_until = null
        where connection_id = ${connectionId}
          and refusals >= ${refusals}
          and (paused_until is null or paused_until <= clock_timestamp())
          and cardinality(grant_ids) >= least(${grants}, (
            select count(*) from (
              select from grants
              where connection_id = ${connectionId} and refreshable and sealed_tokens is not null limit ${grants}
            ) refreshable))
          and ${seenByTwoOrganizations(id, connectionId)}`.execute(db);
    },

    async takeClientProbe(connectionId, forMs) {
      const taken = await db
        .updateTable('client_refusals')
        .set({ probe_until: after(forMs) })
        .where('connection_id', '=', connectionId)
        .where('paused_until', '<=', sql<Date>`clock_timestamp()`)
        .where((eb) => eb.or([eb('probe_until', 'is', null), eb('probe_until', '<=', sql<Date>`clock_timestamp()`)]))
        .returning('connection_id')
        .executeTakeFirst();
      if (taken !== undefined) return undefined;
      const row = await db
        .selectFrom('client_refusals')
        .select(instant<Date | null>(sql`greatest(paused_until, probe_until)`).as('until'))
        .where('connection_id', '=', connectionId)
        .executeTakeFirst();
      return row?.until ?? undefined;
    },

    async liftClientPause(connectionId) {
      await db.deleteFrom('client_refusals').where('connection_id', '=', connectionId).execute();
    },
  };
}
