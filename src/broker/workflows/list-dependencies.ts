import type { Actor } from '../../domain/callers/caller.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { Page, PageRequest } from '../../domain/ports/workflows.ts';
import type { Dependency } from '../../domain/workflows.ts';

/** Lists the connections that a workflow of the organisation depends on. Throws invalid_request for a foreign cursor. */
export type ListDependencies = (actor: Actor, workflowId: string, page: PageRequest) => Promise<Page<Dependency>>;

export function createListDependencies({ database }: { database: Pick<Database, 'read'> }): ListDependencies {
  return ({ organizationId }, workflowId, page) =>
    database.read(organizationId).workflows.listDependencies(workflowId, page);
}
