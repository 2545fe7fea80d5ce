import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { ExpiringGrant, ExpiryStore } from '../../domain/ports/maintenance/expiry.ts';
import { appendAuditEvent } from '../audit-log.ts';
import { instant } from '../columns.ts';
import type { Tables } from '../tables.ts';

/**
 * Selects the grants to warn of, earliest expiry first. The conditions up to `expires_at` are those of the partial index.
 * If no refresh has shown yet whether the expiry moves, only lifetimes above `withinMs` count. A shorter-lived token
 * would otherwise be warned of before its first refresh.
 */
export function expiringGrants(query: { now: Date; withinMs: number; limit: number }): RawBuilder<{ id: string }> {
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

export function createExpiryStore({ db }: { db: Kysely<Tables> }): ExpiryStore {
  return {
    warn: (query, eventOf) =>
      db.transaction().execute(async (transaction) => {
        // Skips locked rows, so that concurrent processes do not wait for each other. The lock is in the statement with the
        // conditions, so Postgres checks them again on a row that another process has just warned of.
        const { rows } = await sql<ExpiringGrant>`
          with expiring as (${expiringGrants(query)} for update skip locked)
          update grants set warned_refresh_expires_at = refresh_expires_at
          from expiring, connections
          where grants.id = expiring.id and connections.id = grants.connection_id
          returning grants.id as "grantId", grants.organization_id as "organizationId", connections.id as "connectionId",
            connections.name as "connectionName", ${instant(sql`grants.refresh_expires_at`)} as "refreshExpiresAt"`.execute(
          transaction,
        );
        for (const row of rows) await appendAuditEvent(transaction, eventOf(row));
        return rows;
      }),
  };
}
