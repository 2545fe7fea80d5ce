import type { Kysely } from 'kysely';
import type { AuthorizationLookup, AuthorizationWithConnection } from '../../domain/ports/callers.ts';
import { connectionColumns, toConnection } from '../connections/connection-rows.ts';
import { findDeletedAuthorization } from '../connections/deleted-authorizations.ts';
import type { Tables } from '../tables.ts';
import { type AuthorizationRow, authorizationColumns, toAuthorization } from './authorization-rows.ts';

export interface AuthorizationPurge {
  /** Deletes authorizations that expired before this instant. Returns their number. */
  purge(expiredBefore: Date): Promise<number>;
}

export function createAuthorizationLookup(deps: { db: Kysely<Tables> }): AuthorizationLookup & AuthorizationPurge {
  const { db } = deps;

  async function withConnection(
    authorization: AuthorizationRow | undefined,
  ): Promise<AuthorizationWithConnection | undefined> {
    if (authorization === undefined) return undefined;
    const connection = await db
      .selectFrom('connections')
      .select(connectionColumns)
      .where('id', '=', authorization.connection_id)
      .executeTakeFirst();
    return connection && { authorization: toAuthorization(authorization), connection: toConnection(connection) };
  }

  const pending = (stateHash: string, now: Date) =>
    db
      .updateTable('authorizations')
      .where('state_hash', '=', stateHash)
      .where('status', '=', 'pending')
      .where('expires_at', '>', now)
      .returning(authorizationColumns);

  return {
    async find(stateHash) {
      const row = await db
        .selectFrom('authorizations')
        .select(authorizationColumns)
        .where('state_hash', '=', stateHash)
        .executeTakeFirst();
      return withConnection(row);
    },

    findDeleted: (stateHash) => findDeletedAuthorization(db, stateHash),

    async bind(stateHash, browserHash, now) {
      return withConnection(await pending(stateHash, now).set({ browser_hash: browserHash }).executeTakeFirst());
    },

    // Only one of several concurrent replays finds the row pending. The others wait for its lock and see `testing`.
    async consume(stateHash, { browserHash, callbackHash }, now) {
      const row = await pending(stateHash, now)
        .set({ status: 'testing', callback_hash: callbackHash })
        .where('browser_hash', '=', browserHash)
        .executeTakeFirst();
      return withConnection(row);
    },

    async listOverdue(now, limit) {
      const rows = await db
        .selectFrom('authorizations')
        .select(['state_hash', 'organization_id', 'connection_id'])
        .where('sealed_waiting', 'is not', null)
        .where('confirm_until', '<=', now)
        .orderBy('authorizations.confirm_until')
        .limit(limit)
        .execute();
      return rows.map((row) => ({
        stateHash: row.state_hash,
        organizationId: row.organization_id,
        connectionId: row.connection_id,
      }));
    },

    async purge(expiredBefore) {
      await db.deleteFrom('deleted_authorizations').where('expires_at', '<', expiredBefore).execute();
      const { numDeletedRows } = await db
        .deleteFrom('authorizations')
        .where('expires_at', '<', expiredBefore)
        // Tokens that still wait are revoked first.
        .where('sealed_waiting', 'is', null)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}
