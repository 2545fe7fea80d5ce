import type { Actor } from '../../domain/callers/caller.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { Page, PageRequest } from '../../domain/ports/workflows.ts';
import type { WorkflowState } from '../../domain/workflows.ts';

/** Lists the disabled workflows of the organisation. Throws invalid_request for a foreign cursor. */
export type ListDisabled = (actor: Actor, page: PageRequest) => Promise<Page<WorkflowState>>;

export function createListDisabled({ database }: { database: Pick<Database, 'read'> }): ListDisabled {
  return ({ organizationId }, page) => database.read(organizationId).workflows.listDisabled(page);
}
