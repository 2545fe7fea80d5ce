import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { ExpiringGrant, ForecastStore } from '../domain/ports/upkeep.ts';
import { appendAuditEvent } from './audit-log.ts';
import type { Tables } from './tables.ts';

/**
 * Ids of grants to warn of, the earliest death first. The conditions up to `expires_at` are those of the index. A token
 * that no refresh has shown to be prolonged, or not, is judged by its age: one that never lived longer than the time of
 * warning would be warned of before its first refresh had a chance.
 */
export function dyingGrants(query: { now: Date; withinMs: number; limit: number }): RawBuilder<{ id: string }> {
  const within = sql`${query.withinMs} * interval '1 millisecond'`;
  return sql<{ id: string }>`
    select id from grants
    where status = 'completed' and refresh_expires_at is not null
      and (warned_refresh_expires_at is null or refresh_expires_at - warned_refresh_expires_at > interval '1 day')
      and (refresh_rolls is not true or consecutive_failures > 0 or expires_at is null or expires_at > refresh_expires_at)
      and refresh_expires_at <= ${query.now}::timestamptz + ${within}
      and (refresh_rolls is not null or consecutive_failures > 0 or obtained_at is null
        or refresh_expires_at > obtained_at + ${within})
    order by refresh_expires_at, id limit ${query.limit}`;
}

export function createForecastStore({ db }: { db: Kysely<Tables> }): ForecastStore {
  return {
    warn: (query, eventOf) =>
      db.transaction().execute(async (transaction) => {
        // Locked and skipped: two who forecast at once wait for nobody. The lock stands in the statement that has the
        // conditions, so that they are judged again on a row that somebody else warned of meanwhile.
        const { rows } = await sql<ExpiringGrant>`
          with dying as (${dyingGrants(query)} for update skip locked)
          update grants set warned_refresh_expires_at = refresh_expires_at
          from dying, connections
          where grants.id = dying.id and connections.id = grants.connection_id
          returning grants.id as "grantId", grants.organization_id as "organizationId", connections.id as "connectionId",
            connections.name as "connectionName", grants.refresh_expires_at as "refreshExpiresAt"`.execute(transaction);
        for (const row of rows) await appendAuditEvent(transaction, eventOf(row));
        return rows;
      }),
  };
}
