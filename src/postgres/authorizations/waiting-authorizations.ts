import { type Kysely, sql } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { AuthorizationWriter } from '../../domain/ports/stores.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import type { Tables } from '../tables.ts';
import { authorizationColumns, fromWaiting, toAuthorization } from './authorization-rows.ts';
import { settlementColumns } from './settlement-columns.ts';

type WaitingWriter = Pick<
  AuthorizationWriter,
  'wait' | 'lock' | 'lockWaiting' | 'lockAllWaiting' | 'endWait' | 'forgetTokens'
>;

/** Builds the part of the writer that serves authorizations with a binding. */
export function createWaitingWriter(db: Kysely<Tables>, organizationId: OrganizationId): WaitingWriter {
  const own = (stateHash: string) =>
    db
      .updateTable('authorizations')
      .where('state_hash', '=', stateHash)
      .where('organization_id', isNullOrEqual(organizationId), organizationId);

  /** In the order of the keys: two transactions never wait for each other in a circle. */
  const waitingOf = (connectionId: string) =>
    db
      .selectFrom('authorizations')
      .select(authorizationColumns)
      .where('connection_id', '=', connectionId)
      .where('status', '=', 'awaiting_confirmation')
      .where('sealed_waiting', 'is not', null)
      .orderBy('state_hash')
      .forUpdate();

  return {
    async wait(stateHash, waiting) {
      const { numUpdatedRows } = await own(stateHash)
        .set({ status: 'awaiting_confirmation', sealed_verifier: null, ...fromWaiting(waiting) })
        .where('status', '=', 'testing')
        .where('binding_challenge', 'is not', null)
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    async lock(stateHash) {
      const row = await db
        .selectFrom('authorizations')
        .select(authorizationColumns)
        .where('state_hash', '=', stateHash)
        .where('organization_id', isNullOrEqual(organizationId), organizationId)
        .forUpdate()
        .executeTakeFirst();
      return row && toAuthorization(row);
    },

    async lockWaiting(connectionId, subject) {
      let waiting = waitingOf(connectionId).where('organization_id', isNullOrEqual(organizationId), organizationId);
      if (subject !== undefined) waiting = waiting.where('subject', isNullOrEqual(subject), subject);
      return (await waiting.execute()).map(toAuthorization);
    },

    // Reads across organisations, so the statement checks who owns the connection.
    async lockAllWaiting(connectionId) {
      const rows = await waitingOf(connectionId)
        .where((eb) =>
          eb.exists(
            eb
              .selectFrom('connections')
              .select(sql`1`.as('one'))
              .where('id', '=', connectionId)
              .where('connections.organization_id', isNullOrEqual(organizationId), organizationId),
          ),
        )
        .execute();
      return rows.map(toAuthorization);
    },

    async endWait(stateHash, settlement) {
      const { numUpdatedRows } = await own(stateHash)
        .set({ ...settlementColumns(settlement), sealed_waiting: null })
        .where('status', '=', 'awaiting_confirmation')
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    },

    async forgetTokens(stateHash) {
      await own(stateHash).set({ sealed_waiting: null }).where('status', '=', 'awaiting_confirmation').execute();
    },
  };
}
