import type { AuthorizationLookup, OverdueAuthorization } from '../../domain/ports/callers.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { RevokeWaiting } from '../revocations/revoke-waiting.ts';

/**
 * Discards tokens whose authorization was not confirmed in time, and adds their revocation. Rejects when `signal` aborts.
 * Returns their number.
 */
export type DiscardUnconfirmed = (signal: AbortSignal) => Promise<number>;

export interface DiscardUnconfirmedDeps {
  authorizations: Pick<AuthorizationLookup, 'listOverdue'>;
  database: Pick<Database, 'write'>;
  revokeWaiting: RevokeWaiting;
  clock: () => Date;
}

/** Authorizations of one run. The next run, a minute later, takes the rest. */
const maxDiscarded = 1_000;

export function createDiscardUnconfirmed(deps: DiscardUnconfirmedDeps): DiscardUnconfirmed {
  const { authorizations, clock } = deps;
  return async (signal) => {
    let discarded = 0;
    for (const overdue of await authorizations.listOverdue(clock(), maxDiscarded)) {
      signal.throwIfAborted();
      discarded += Number(await discard(deps, overdue));
    }
    return discarded;
  };
}

function discard(
  { database, revokeWaiting }: DiscardUnconfirmedDeps,
  { stateHash, organizationId, connectionId }: OverdueAuthorization,
): Promise<boolean> {
  return database.write(organizationId, async (stores) => {
    const connection = await stores.connections.lockForUse(connectionId);
    const authorization = await stores.authorizations.lock(stateHash);
    // Another process was faster, or the connection was deleted with the authorization.
    if (connection === undefined || !authorization?.waiting?.sealed) return false;
    await revokeWaiting(stores, connection, authorization);
    await stores.authorizations.forgetTokens(stateHash);
    return true;
  });
}
