import { type ExpressionBuilder, type Kysely, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { AuthorizationReader, AuthorizationWriter } from '../../domain/ports/stores.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import { isUuid } from '../driver/uuid.ts';
import { columnsOf, type Tables } from '../tables.ts';
import {
  type AuthorizationRow,
  authorizationColumns,
  fromAuthorization,
  toAuthorization,
} from './authorization-rows.ts';
import { settlementColumns } from './settlement-columns.ts';
import { createWaitingWriter } from './waiting-authorizations.ts';

export function createAuthorizationReader(db: Kysely<Tables>, organizationId: OrganizationId): AuthorizationReader {
  const own = () =>
    db
      .selectFrom('authorizations')
      .innerJoin('connections', 'connections.id', 'authorizations.connection_id')
      .select(columnsOf('authorizations', authorizationColumns))
      .select('connections.name as connection_name')
      .where('authorizations.organization_id', isNullOrEqual(organizationId), organizationId);
  const found = (row: (AuthorizationRow & { connection_name: string }) | undefined) =>
    row && { authorization: toAuthorization(row), connectionName: row.connection_name };
  return {
    async find(stateHash) {
      return found(await own().where('state_hash', '=', stateHash).executeTakeFirst());
    },

    async findBound(authorizationId) {
      if (!isUuid(authorizationId)) return undefined;
      return found(await own().where('authorization_id', '=', authorizationId).executeTakeFirst());
    },
  };
}

/** Selects pending links that have not expired, and waits that have not ended. */
const isOpen = (now: Date) => (eb: ExpressionBuilder<Tables, 'authorizations'>) =>
  eb.or([
    eb.and([eb('status', '=', 'pending'), eb('expires_at', '>', now)]),
    eb.and([eb('status', '=', 'awaiting_confirmation'), eb('confirm_until', '>', now)]),
  ]);

export function createAuthorizationWriter(db: Kysely<Tables>, organizationId: OrganizationId): AuthorizationWriter {
  const ownConnection = (connectionId: string) =>
    db
      .selectFrom('connections')
      .select('id')
      .where('id', '=', connectionId)
      .where('connections.organization_id', isNullOrEqual(organizationId), organizationId);

  return {
    ...createAuthorizationReader(db, organizationId),
    ...createWaitingWriter(db, organizationId),

    async insert(authorization) {
      await db
        .insertInto('authorizations')
        .values({ ...fromAuthorization(authorization), organization_id: organizationId })
        .execute();
    },

    async cancelPending(connectionId, subject, now) {
      let pending = db
        .updateTable('authorizations')
        .set({
          status: 'cancelled',
          status_reason: 'authorization_cancelled',
          sealed_verifier: null,
          sealed_waiting: null,
        })
        .where('connection_id', '=', connectionId)
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        .where(isOpen(now));
      if (subject !== undefined) pending = pending.where('subject', isNullOrEqual(subject), subject);
      const { numUpdatedRows } = await pending.executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    },

    // Writes across organisations, so the statement checks who owns the connection.
    async voidAllOf(connectionId, now) {
      const { numUpdatedRows } = await db
        .updateTable('authorizations')
        .set({
          status: 'failed',
          status_reason: 'configuration_changed',
          sealed_verifier: null,
          sealed_waiting: null,
        })
        .where('connection_id', 'in', ownConnection(connectionId))
        .where(isOpen(now))
        .executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    },

    async countPendingOf(connectionId, now) {
      const { pending } = await db
        .selectFrom('authorizations')
        .select(sql<number>`count(*)::int`.as('pending'))
        .where('connection_id', 'in', ownConnection(connectionId))
        .where(isOpen(now))
        .executeTakeFirstOrThrow();
      return pending;
    },

    async settle(stateHash, settlement) {
      await db
        .updateTable('authorizations')
        .set(settlementColumns(settlement))
        .where('state_hash', '=', stateHash)
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        // A final status never changes: a late token response must not undo a cancellation.
        .where('status', 'in', ['pending', 'testing'])
        .execute();
    },
  };
}
