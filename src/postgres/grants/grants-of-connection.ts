import { type Kysely, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { GrantWriter } from '../../domain/ports/grants.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import type { Tables } from '../tables.ts';
import { noTokens, notRevoked, toOrigins } from './grant-rows.ts';

/**
 * Applies an owner's edit of a connection to the grants of every organisation below it. No other store writes across
 * organisations, so each statement checks who owns the connection. Sends no notification: the edit of the connection
 * sends one in the same transaction.
 */
export function createGrantsOfConnection(
  db: Kysely<Tables>,
  organizationId: OrganizationId,
): Pick<
  GrantWriter,
  'listAllOf' | 'countWorkingOf' | 'dropAllOf' | 'liftClientRejection' | 'maxAccountsPerSubject' | 'setMultiAccount'
> {
  const ownConnection = (connectionId: string) =>
    db
      .selectFrom('connections')
      .select('id')
      .where('id', '=', connectionId)
      .where('organization_id', isNullOrEqual(organizationId), organizationId);
  const below = (connectionId: string) =>
    db.updateTable('grants').where('connection_id', 'in', ownConnection(connectionId));

  return {
    async listAllOf(connectionId) {
      const rows = await db
        .selectFrom('grants')
        .select(['id', 'organization_id', 'sealed_tokens', 'test_origin', 'revocation_origin'])
        .where('connection_id', 'in', ownConnection(connectionId))
        .where('sealed_tokens', 'is not', null)
        .orderBy('id')
        .execute();
      return rows.map((row) => ({
        id: row.id,
        organizationId: row.organization_id,
        sealedTokens: row.sealed_tokens,
        origins: toOrigins(row),
      }));
    },

    async countWorkingOf(connectionId) {
      const { rows } = await sql<{ grants: number; organizations: number }>`
        select count(*)::int as grants, count(distinct coalesce(organization_id, ''))::int as organizations
        from grants where connection_id in (${ownConnection(connectionId)})
          and status = 'completed' and sealed_tokens is not null`.execute(db);
      return rows[0] ?? { grants: 0, organizations: 0 };
    },

    async dropAllOf(connectionId, now) {
      const { numUpdatedRows } = await below(connectionId)
        .set((eb) => ({
          ...noTokens,
          ...notRevoked,
          // Another client may receive tokens of another lifetime.
          longest_lifetime_seconds: null,
          status: 'not_connected',
          status_reason: 'configuration_changed',
          status_message: null,
          version: eb('version', '+', 1),
          consecutive_failures: 0,
          failing_since: null,
          last_error: null,
          retry_at: null,
          refresh_started_at: null,
          updated_at: now,
        }))
        .executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    },

    // A grant without tokens cannot be completed, so it stays failed and is due for a retry at once.
    async liftClientRejection(connectionId, now) {
      await below(connectionId)
        .where('status', 'in', ['completed', 'failed'])
        .where(
          sql<boolean>`(status_reason = 'client_rejected' or status_reason is null and last_error->>'class' = 'client')`,
        )
        .set({
          status: sql`case when sealed_tokens is null then 'failed' else 'completed' end`,
          status_reason: sql`case when sealed_tokens is null then status_reason end`,
          status_message: sql`case when sealed_tokens is null then status_message end`,
          retry_at: sql`case when sealed_tokens is null then ${now}::timestamptz end`,
          consecutive_failures: 0,
          failing_since: null,
          last_error: sql`case when sealed_tokens is null then jsonb_set(last_error, '{attempts}', '0') end`,
          updated_at: now,
        })
        .execute();
      await db.deleteFrom('client_refusals').where('connection_id', 'in', ownConnection(connectionId)).execute();
    },

    async maxAccountsPerSubject(connectionId) {
      const row = await db
        .selectFrom((eb) =>
          eb
            .selectFrom('grants')
            .select(sql<number>`count(*)::int`.as('accounts'))
            .where('connection_id', 'in', ownConnection(connectionId))
            .groupBy(['organization_id', 'subject'])
            .as('subjects'),
        )
        .select((eb) => eb.fn.max('accounts').as('accounts'))
        .executeTakeFirst();
      return row?.accounts ?? 0;
    },

    async setMultiAccount(connectionId, multiAccount) {
      await below(connectionId)
        .set((eb) => ({ slot_account_id: multiAccount ? eb.ref('account_id') : null }))
        .execute();
    },
  };
}
