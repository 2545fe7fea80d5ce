import { type Kysely, sql } from 'kysely';
import type { OrganizationId } from '../domain/connection.ts';
import type { GrantWriter } from '../domain/ports/stores.ts';
import { noTokens, notRevoked } from './grant-rows.ts';
import { sameAs } from './null-safe.ts';
import type { Tables } from './tables.ts';

/**
 * What an owner's edit of a connection does to every grant below it, whoever owns the grant. The one place where a
 * write crosses organisations, so each statement asks again who owns the connection. Tells nobody: the edit of the
 * connection, in the same transaction, does.
 */
export function createGrantsBelow(
  db: Kysely<Tables>,
  organizationId: OrganizationId,
): Pick<GrantWriter, 'listAllOf' | 'dropAllOf' | 'liftClientRejection' | 'maxAccountsPerSubject' | 'setMultiAccount'> {
  const ownConnection = (connectionId: string) =>
    db
      .selectFrom('connections')
      .select('id')
      .where('id', '=', connectionId)
      .where('organization_id', sameAs(organizationId), organizationId);
  const below = (connectionId: string) =>
    db.updateTable('grants').where('connection_id', 'in', ownConnection(connectionId));

  return {
    async listAllOf(connectionId) {
      return db
        .selectFrom('grants')
        .select(['id', 'organization_id as organizationId', 'sealed_tokens as sealedTokens'])
        .where('connection_id', 'in', ownConnection(connectionId))
        .where('sealed_tokens', 'is not', null)
        .orderBy('id')
        .execute();
    },

    async dropAllOf(connectionId, now) {
      const { numUpdatedRows } = await below(connectionId)
        .set((eb) => ({
          ...noTokens,
          ...notRevoked,
          status: 'not_connected',
          status_reason: 'configuration_changed',
          status_message: null,
          version: eb('version', '+', 1),
          consecutive_failures: 0,
          failing_since: null,
          retry_at: null,
          refresh_started_at: null,
          updated_at: now,
        }))
        .executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    },

    // One that never had a token has nothing to be completed with: it is tried again at once instead.
    async liftClientRejection(connectionId, now) {
      await below(connectionId)
        .where('status', '=', 'failed')
        .where('status_reason', '=', 'client_rejected')
        .set({
          status: sql`case when sealed_tokens is null then 'failed' else 'completed' end`,
          status_reason: sql`case when sealed_tokens is null then status_reason end`,
          status_message: sql`case when sealed_tokens is null then status_message end`,
          retry_at: sql`case when sealed_tokens is null then ${now}::timestamptz end`,
          consecutive_failures: 0,
          failing_since: null,
          updated_at: now,
        })
        .execute();
    },

    async maxAccountsPerSubject(connectionId) {
      const row = await db
        .selectFrom((eb) =>
          eb
            .selectFrom('grants')
            .select((counted) => counted.fn.countAll<string>().as('accounts'))
            .where('connection_id', 'in', ownConnection(connectionId))
            .groupBy(['organization_id', 'subject'])
            .as('subjects'),
        )
        .select((eb) => eb.fn.max('accounts').as('accounts'))
        .executeTakeFirst();
      return Number(row?.accounts ?? 0);
    },

    async setMultiAccount(connectionId, multiAccount) {
      await below(connectionId)
        .set((eb) => ({ slot_account_id: multiAccount ? eb.ref('account_id') : null }))
        .execute();
    },
  };
}
