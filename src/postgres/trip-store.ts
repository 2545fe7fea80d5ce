import type { Kysely, Selectable } from 'kysely';
import type { TripStore, TripWithConnection } from '../domain/ports/callers.ts';
import { toAuthorization } from './authorization-rows.ts';
import { toConnection } from './connection-rows.ts';
import type { AuthorizationsTable, Tables } from './tables.ts';

export interface TripPurge {
  /** Deletes trips that expired before that instant; how many. */
  purge(expiredBefore: Date): Promise<number>;
}

export function createTripStore(deps: { db: Kysely<Tables> }): TripStore & TripPurge {
  const { db } = deps;

  async function withConnection(
    trip: Selectable<AuthorizationsTable> | undefined,
  ): Promise<TripWithConnection | undefined> {
    if (trip === undefined) return undefined;
    const connection = await db
      .selectFrom('connections')
      .selectAll()
      .where('id', '=', trip.connection_id)
      .executeTakeFirst();
    return connection && { authorization: toAuthorization(trip), connection: toConnection(connection) };
  }

  const pending = (stateHash: string, now: Date) =>
    db
      .updateTable('authorizations')
      .where('state_hash', '=', stateHash)
      .where('status', '=', 'pending')
      .where('expires_at', '>', now)
      .returningAll();

  return {
    async find(stateHash) {
      const row = await db
        .selectFrom('authorizations')
        .selectAll()
        .where('state_hash', '=', stateHash)
        .executeTakeFirst();
      return withConnection(row);
    },

    async bind(stateHash, browserHash, now) {
      return withConnection(await pending(stateHash, now).set({ browser_hash: browserHash }).executeTakeFirst());
    },

    // Of any number of replays one finds the row pending: the others wait for its lock and see it testing.
    async consume(stateHash, browserHash, now) {
      const row = await pending(stateHash, now)
        .set({ status: 'testing' })
        .where('browser_hash', '=', browserHash)
        .executeTakeFirst();
      return withConnection(row);
    },

    async purge(expiredBefore) {
      const { numDeletedRows } = await db
        .deleteFrom('authorizations')
        .where('expires_at', '<', expiredBefore)
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}
