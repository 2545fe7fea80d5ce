import type { Actor } from '../../domain/callers/caller.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { Page, PageRequest } from '../../domain/ports/workflows.ts';
import type { Dependency } from '../../domain/workflows.ts';
import { noSuchConnection } from '../no-such-connection.ts';

/**
 * Lists the organisation's workflows that depend on a connection, also on a global one. Throws connection_not_found, and
 * invalid_request for a foreign cursor.
 */
export type ListDependents = (actor: Actor, connectionName: string, page: PageRequest) => Promise<Page<Dependency>>;

export function createListDependents({ database }: { database: Pick<Database, 'read'> }): ListDependents {
  return async ({ organizationId }, connectionName, page) => {
    const { connections, workflows } = database.read(organizationId);
    const found = await connections.find(connectionName);
    if (found === undefined) throw noSuchConnection(connectionName);
    return workflows.listOwnDependents(found.connection.id, page);
  };
}
