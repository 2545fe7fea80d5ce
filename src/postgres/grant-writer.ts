import { type ExpressionBuilder, type Kysely, sql } from 'kysely';
import type { OrganizationId } from '../domain/connection.ts';
import type { GrantSlot } from '../domain/grant.ts';
import type { GrantArrival, GrantWriter } from '../domain/ports/stores.ts';
import type { Announce } from './announcing-transaction.ts';
import { channels } from './channels.ts';
import { createGrantReader, matchingGrants } from './grant-reader.ts';
import { newRefreshToken, noTokens, notRevoked, toGrant, tokenColumns, untroubled } from './grant-rows.ts';
import { createGrantsBelow } from './grants-below.ts';
import { isUuid, sameAs } from './null-safe.ts';
import type { Tables } from './tables.ts';

const next = (eb: ExpressionBuilder<Tables, 'grants'>) => eb('version', '+', 1);

function arrivalColumns({ slot, multiAccount, accountName, tokens, requestedScopes, testedAt, now }: GrantArrival) {
  return {
    ...tokenColumns(tokens),
    ...untroubled,
    ...newRefreshToken,
    ...notRevoked,
    account_id: slot.accountId,
    account_name: accountName,
    slot_account_id: multiAccount ? slot.accountId : null,
    requested_scopes: [...requestedScopes],
    last_test_at: testedAt,
    health: testedAt === null ? null : ('healthy' as const),
    health_error: null,
    updated_at: now,
  };
}

export function createGrantWriter(db: Kysely<Tables>, announce: Announce, organizationId: OrganizationId): GrantWriter {
  const tell = (id: string, { connectionId, subject }: Pick<GrantSlot, 'connectionId' | 'subject'>) =>
    announce(channels.grantChanged, {
      grant_id: id,
      connection_id: connectionId,
      organization_id: organizationId,
      subject,
    });
  const own = (id: string) =>
    db.updateTable('grants').where('id', '=', id).where('organization_id', sameAs(organizationId), organizationId);

  return {
    ...createGrantReader(db, organizationId),
    ...createGrantsBelow(db, organizationId),

    async lockSlot({ connectionId, subject, accountId }) {
      const row = await matchingGrants(db, organizationId, { connectionId, subject, accountId: null })
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
          id,
          connection_id: arrival.slot.connectionId,
          organization_id: organizationId,
          subject: arrival.slot.subject,
          created_at: arrival.now,
        })
        .onConflict((conflict) => conflict.constraint('grants_slot').doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows !== 1n) return false;
      await tell(id, arrival.slot);
      return true;
    },

    async replace(id, arrival) {
      await own(id)
        .set((eb) => ({ ...arrivalColumns(arrival), version: next(eb) }))
        .execute();
      await tell(id, arrival.slot);
    },

    // Tokens a row still has stay: a refusal of new ones is no reason to withhold those that work.
    async putFailed(id, { connectionId, subject, accountId }, { reason, message, retryAt, now }) {
      const failure = {
        status: 'failed' as const,
        status_reason: reason,
        status_message: message,
        retry_at: retryAt,
        updated_at: now,
      };
      const row = await db
        .insertInto('grants')
        .values({
          ...failure,
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
            consecutive_failures: eb('grants.consecutive_failures', '+', 1),
            failing_since: eb.fn.coalesce('grants.failing_since', eb.val(now)),
          })),
        )
        .returning('id')
        .executeTakeFirst();
      await tell(row?.id ?? id, { connectionId, subject });
    },

    // A running lease stays, and its holder finds the version moved.
    async revoke(id, { by, reason, now }) {
      const row = await own(id)
        .set((eb) => ({
          ...noTokens,
          status: 'failed',
          status_reason: 'revoked',
          status_message: null,
          version: next(eb),
          retry_at: null,
          refresh_started_at: null,
          revoked_at: now,
          revoked_by: by,
          revoked_reason: reason,
          updated_at: now,
        }))
        .returning(['connection_id as connectionId', 'subject'])
        .executeTakeFirst();
      if (row !== undefined) await tell(id, row);
    },

    async delete(id) {
      if (!isUuid(id)) return false;
      const row = await db
        .deleteFrom('grants')
        .where('id', '=', id)
        .where('organization_id', sameAs(organizationId), organizationId)
        .returning(['connection_id as connectionId', 'subject'])
        .executeTakeFirst();
      if (row !== undefined) await tell(id, row);
      return row !== undefined;
    },

    async recordTest(id, { at, health, error }) {
      await own(id).set({ last_test_at: at, health, health_error: error }).execute();
    },
  };
}
