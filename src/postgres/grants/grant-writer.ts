import { type ExpressionBuilder, type Kysely, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { GrantSlot } from '../../domain/grants/grant.ts';
import type { GrantWriter } from '../../domain/ports/grants.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import { isUuid } from '../driver/uuid.ts';
import { channels } from '../notify/channels.ts';
import type { Notify } from '../notify/notifying-transaction.ts';
import type { Tables } from '../tables.ts';
import { arrivalColumns, originBehindTokens } from './arrival-columns.ts';
import { createGrantReader, inSlotOf, matchingGrants } from './grant-reader.ts';
import { lastErrorColumn, noTokens, notRevoked, originColumns, toGrant } from './grant-rows.ts';
import { createGrantsOfConnection } from './grants-of-connection.ts';

const nextVersion = (eb: ExpressionBuilder<Tables, 'grants'>) => eb('version', '+', 1);

export function createGrantWriter(db: Kysely<Tables>, notify: Notify, organizationId: OrganizationId): GrantWriter {
  const notifyGrantChanged = (id: string, { connectionId, subject }: Pick<GrantSlot, 'connectionId' | 'subject'>) =>
    notify(channels.grantChanged, {
      grant_id: id,
      connection_id: connectionId,
      organization_id: organizationId,
      subject,
    });
  const own = (id: string) =>
    db
      .updateTable('grants')
      .where('id', '=', id)
      .where('organization_id', isNullOrEqual(organizationId), organizationId);
  // A new token set shows that the client is accepted, or that its owner tries another way.
  const clearClientRefusals = ({ connectionId }: Pick<GrantSlot, 'connectionId'>) =>
    db.deleteFrom('client_refusals').where('connection_id', '=', connectionId).execute();

  return {
    ...createGrantReader(db, organizationId),
    ...createGrantsOfConnection(db, organizationId),

    async lockSlot({ connectionId, subject, accountId }) {
      const row = await matchingGrants(db, organizationId, { connectionId, subject, accountId: null })
        .where(inSlotOf(accountId))
        .where(
          sql<boolean>`slot_account_id is not distinct from
            case when (select multi_account from connections where id = ${connectionId}) then ${accountId}::text end`,
        )
        .forUpdate()
        .executeTakeFirst();
      return row && toGrant(row);
    },

    async lockMatching(connectionId, subject, accountId) {
      const rows = await matchingGrants(db, organizationId, { connectionId, subject, accountId }).forUpdate().execute();
      return rows.map(toGrant);
    },

    async insert(id, arrival) {
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('grants')
        .values({
          ...arrivalColumns(arrival),
          longest_lifetime_seconds: arrival.tokens.metadata.lifetimeSeconds,
          id,
          connection_id: arrival.slot.connectionId,
          organization_id: organizationId,
          subject: arrival.slot.subject,
          created_at: arrival.now,
        })
        .onConflict((conflict) => conflict.constraint('grants_slot').doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows !== 1n) return false;
      await clearClientRefusals(arrival.slot);
      await notifyGrantChanged(id, arrival.slot);
      return true;
    },

    async replace(id, arrival) {
      await own(id)
        .set((eb) => ({
          ...arrivalColumns(arrival),
          longest_lifetime_seconds: sql<
            number | null
          >`greatest(longest_lifetime_seconds, ${arrival.tokens.metadata.lifetimeSeconds})`,
          version: nextVersion(eb),
        }))
        .execute();
      await clearClientRefusals(arrival.slot);
      await notifyGrantChanged(id, arrival.slot);
    },

    // Keeps the tokens of an existing row: they may still work although new ones were refused.
    async putFailed(
      id,
      { connectionId, subject, accountId },
      { reason, message, error = null, retryAt, origins, now },
    ) {
      const failure = {
        status: 'failed' as const,
        status_reason: reason,
        status_message: message,
        last_error: lastErrorColumn(error),
        retry_at: retryAt,
        updated_at: now,
      };
      const row = await db
        .insertInto('grants')
        .values({
          ...failure,
          ...originColumns(origins),
          id,
          connection_id: connectionId,
          organization_id: organizationId,
          subject,
          account_id: accountId,
          slot_account_id: sql`case when (select multi_account from connections where id = ${connectionId}) then ${accountId}::text end`,
          consecutive_failures: 1,
          failing_since: now,
          created_at: now,
        })
        .onConflict((conflict) =>
          conflict.constraint('grants_slot').doUpdateSet((eb) => ({
            ...failure,
            ...notRevoked,
            test_origin: originBehindTokens('test_origin'),
            revocation_origin: originBehindTokens('revocation_origin'),
            consecutive_failures: eb('grants.consecutive_failures', '+', 1),
            failing_since: eb.fn.coalesce('grants.failing_since', eb.val(now)),
          })),
        )
        .returning('id')
        .executeTakeFirst();
      await notifyGrantChanged(row?.id ?? id, { connectionId, subject });
    },

    // Leaves a running lease in place: its holder finds that the version has changed.
    async revoke(id, { by, reason, now }) {
      const row = await own(id)
        .set((eb) => ({
          ...noTokens,
          status: 'failed',
          status_reason: 'revoked',
          status_message: null,
          version: nextVersion(eb),
          retry_at: null,
          refresh_started_at: null,
          revoked_at: now,
          revoked_by: by,
          revoked_reason: reason,
          updated_at: now,
        }))
        .returning(['connection_id as connectionId', 'subject'])
        .executeTakeFirst();
      if (row !== undefined) await notifyGrantChanged(id, row);
    },

    async delete(id) {
      if (!isUuid(id)) return false;
      const row = await db
        .deleteFrom('grants')
        .where('id', '=', id)
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        .returning(['connection_id as connectionId', 'subject'])
        .executeTakeFirst();
      if (row !== undefined) await notifyGrantChanged(id, row);
      return row !== undefined;
    },

    async recordTest(id, { at, health, error, account = null }) {
      await own(id)
        .set({
          last_test_at: at,
          health,
          health_error: error,
          // Compared with the row as it is now: another account may have arrived during the test.
          account_verified: sql<boolean>`account_verified or coalesce(account_id = ${account}::text, false)`,
        })
        .execute();
    },
  };
}
