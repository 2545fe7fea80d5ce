import type { Actor } from '../domain/caller.ts';
import type { Database } from '../domain/ports/stores.ts';
import type { GrantView, ViewGrant } from './grant-view.ts';
import { noSuchConnection } from './no-such-connection.ts';

/** This organisation's grants of the connection. Throws connection_not_found. */
export type ListGrants = (actor: Actor, name: string) => Promise<GrantView[]>;

export interface ListGrantsDeps {
  database: Pick<Database, 'read'>;
  viewGrant: ViewGrant;
}

export function createListGrants({ database, viewGrant }: ListGrantsDeps): ListGrants {
  return async ({ organizationId }, name) => {
    const { connections, grants } = database.read(organizationId);
    const found = await connections.find(name);
    if (found === undefined) throw noSuchConnection(name);
    return (await grants.list(found.connection.id)).map(viewGrant);
  };
}
