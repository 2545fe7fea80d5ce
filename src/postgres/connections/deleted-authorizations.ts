import type { Kysely } from 'kysely';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { DeletedAuthorization } from '../../domain/ports/callers.ts';
import { isNullOrEqual } from '../driver/is-null-or-equal.ts';
import type { Tables } from '../tables.ts';

/** Keeps the open authorizations of a connection that the caller's transaction is about to delete. */
export async function keepOpenAuthorizations(
  db: Kysely<Tables>,
  connectionId: string,
  owner: OrganizationId,
): Promise<void> {
  await db
    .insertInto('deleted_authorizations')
    .columns([
      'state_hash',
      'connection_name',
      'connection_owner',
      'browser_hash',
      'return_url',
      'client_state',
      'expires_at',
    ])
    .expression((eb) =>
      eb
        .selectFrom('authorizations')
        .innerJoin('connections', 'connections.id', 'authorizations.connection_id')
        .select(['state_hash', 'connections.name', 'connections.organization_id'])
        .select((row) => row.ref('browser_hash').$notNull().as('browser_hash'))
        .select(['return_url', 'client_state', 'expires_at'])
        .where('connection_id', '=', connectionId)
        .where('connections.organization_id', isNullOrEqual(owner), owner)
        .where('browser_hash', 'is not', null)
        .where('status', 'in', ['pending', 'testing', 'awaiting_confirmation']),
    )
    .execute();
}

export async function findDeletedAuthorization(
  db: Kysely<Tables>,
  stateHash: string,
): Promise<DeletedAuthorization | undefined> {
  const row = await db
    .selectFrom('deleted_authorizations')
    .select(['connection_name', 'connection_owner', 'browser_hash', 'return_url', 'client_state'])
    .where('state_hash', '=', stateHash)
    .executeTakeFirst();
  return (
    row && {
      connectionName: row.connection_name,
      connectionOwner: row.connection_owner,
      browserHash: row.browser_hash,
      returnUrl: row.return_url,
      clientState: row.client_state,
    }
  );
}
