import type { Kysely } from 'kysely';
import type { OrganizationId } from '../domain/connection.ts';
import type { AuthorizationReader, AuthorizationWriter } from '../domain/ports/stores.ts';
import { fromAuthorization, toAuthorization } from './authorization-rows.ts';
import { sameAs } from './null-safe.ts';
import type { Tables } from './tables.ts';

export function createAuthorizationReader(db: Kysely<Tables>, organizationId: OrganizationId): AuthorizationReader {
  return {
    async find(stateHash) {
      const row = await db
        .selectFrom('authorizations')
        .innerJoin('connections', 'connections.id', 'authorizations.connection_id')
        .selectAll('authorizations')
        .select('connections.name as connection_name')
        .where('state_hash', '=', stateHash)
        .where('authorizations.organization_id', sameAs(organizationId), organizationId)
        .executeTakeFirst();
      return row && { authorization: toAuthorization(row), connectionName: row.connection_name };
    },
  };
}

export function createAuthorizationWriter(db: Kysely<Tables>, organizationId: OrganizationId): AuthorizationWriter {
  return {
    ...createAuthorizationReader(db, organizationId),

    async insert(authorization) {
      await db
        .insertInto('authorizations')
        .values({ ...fromAuthorization(authorization), organization_id: organizationId })
        .execute();
    },

    async cancelPending(connectionId, subject, now) {
      let pending = db
        .updateTable('authorizations')
        .set({ status: 'cancelled', status_reason: 'authorization_cancelled', sealed_verifier: null })
        .where('connection_id', '=', connectionId)
        .where('organization_id', sameAs(organizationId), organizationId)
        .where('status', '=', 'pending')
        .where('expires_at', '>', now);
      if (subject !== undefined) pending = pending.where('subject', sameAs(subject), subject);
      const { numUpdatedRows } = await pending.executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    },

    // Across organisations, so the statement asks who owns the connection.
    async voidAllOf(connectionId, now) {
      const { numUpdatedRows } = await db
        .updateTable('authorizations')
        .set({ status: 'failed', status_reason: 'configuration_changed', sealed_verifier: null })
        .where('connection_id', 'in', (eb) =>
          eb
            .selectFrom('connections')
            .select('id')
            .where('id', '=', connectionId)
            .where('connections.organization_id', sameAs(organizationId), organizationId),
        )
        .where('status', '=', 'pending')
        .where('expires_at', '>', now)
        .executeTakeFirstOrThrow();
      return Number(numUpdatedRows);
    },

    async settle(stateHash, { status, reason, message, connectedAccountId }) {
      await db
        .updateTable('authorizations')
        .set({
          status,
          status_reason: reason,
          status_message: message,
          connected_account_id: connectedAccountId,
          ...(status === 'testing' ? {} : { sealed_verifier: null }),
        })
        .where('state_hash', '=', stateHash)
        .where('organization_id', sameAs(organizationId), organizationId)
        // What ended stays ended: a late answer does not undo a cancellation.
        .where('status', 'in', ['pending', 'testing'])
        .execute();
    },
  };
}
