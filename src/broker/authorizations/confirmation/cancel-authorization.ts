import type { Actor } from '../../../domain/callers/caller.ts';
import type { Connection } from '../../../domain/connections/connection.ts';
import type { AddedRevocation } from '../../../domain/ports/maintenance/revocations.ts';
import type { Database, TransactionStores } from '../../../domain/ports/stores.ts';
import { eventOf } from '../../audit-event.ts';
import { noSuchConnection } from '../../no-such-connection.ts';
import type { RevokeAtOnce } from '../../revocations/revoke-at-once.ts';
import type { RevokeWaiting } from '../../revocations/revoke-waiting.ts';

/**
 * Cancels the pending and waiting authorizations of a subject, revokes the waiting tokens, and returns the number of
 * authorizations. Throws connection_not_found.
 */
export type CancelAuthorization = (actor: Actor, name: string, subject: string | null) => Promise<number>;

export interface CancelAuthorizationDeps {
  database: Database;
  revokeWaiting: RevokeWaiting;
  revokeAtOnce: RevokeAtOnce;
  clock: () => Date;
}

export function createCancelAuthorization(deps: CancelAuthorizationDeps): CancelAuthorization {
  const { database, revokeAtOnce } = deps;
  return async (actor, name, subject) => {
    const { cancelled, added } = await database.write(actor.organizationId, async (stores) => {
      const found = await stores.connections.find(name);
      // Locks the connection first, as edits do: otherwise the two could wait for each other.
      const connection = found && (await stores.connections.lockForUse(found.connection.id));
      if (connection === undefined) throw noSuchConnection(name);
      return cancel(deps, stores, actor, connection, subject);
    });
    await revokeAtOnce(added);
    return cancelled;
  };
}

async function cancel(
  { revokeWaiting, clock }: CancelAuthorizationDeps,
  stores: TransactionStores,
  actor: Actor,
  connection: Connection,
  subject: string | null,
): Promise<{ cancelled: number; added: AddedRevocation[] }> {
  const { authorizations, audit } = stores;
  const now = clock();
  const added: AddedRevocation[] = [];
  for (const waiting of await authorizations.lockWaiting(connection.id, subject)) {
    if (waiting.waiting !== null && waiting.waiting.until <= now) continue;
    added.push(...(await revokeWaiting(stores, connection, waiting)));
  }
  const cancelled = await authorizations.cancelPending(connection.id, subject, now);
  if (cancelled > 0) {
    const details = { subject, cancelled };
    await audit.append(eventOf(actor, now, { action: 'authorization.cancelled', connection, details }));
  }
  return { cancelled, added };
}
