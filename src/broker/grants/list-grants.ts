import type { Actor } from '../../domain/callers/caller.ts';
import type { GrantFilter } from '../../domain/ports/grants.ts';
import type { Database } from '../../domain/ports/stores.ts';
import { noSuchConnection } from '../no-such-connection.ts';
import type { GrantView, ViewGrant } from './grant-view.ts';

/** Lists a page of this organisation's grants of a connection. Throws connection_not_found, invalid_request. */
export type ListGrants = (
  actor: Actor,
  name: string,
  filter: GrantFilter,
) => Promise<{ grants: GrantView[]; nextCursor: string | null }>;

export interface ListGrantsDeps {
  database: Pick<Database, 'read'>;
  viewGrant: ViewGrant;
}

export function createListGrants({ database, viewGrant }: ListGrantsDeps): ListGrants {
  return async ({ organizationId }, name, filter) => {
    const { connections, grants } = database.read(organizationId);
    const found = await connections.find(name);
    if (found === undefined) throw noSuchConnection(name);
    const page = await grants.list(found.connection.id, filter);
    return {
      grants: page.grants.map((grant) => viewGrant(grant, found.connection)),
      nextCursor: page.nextCursor,
    };
  };
}
