import type { Actor } from '../../domain/callers/caller.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { Dependency, Workflow } from '../../domain/workflows.ts';
import { workflowEventOf } from '../audit-event.ts';
import { noSuchConnection } from '../no-such-connection.ts';

/**
 * Registers that a workflow depends on a connection: the organisation's own of that name, else the global one. A known
 * dependency gets the new name and the time of the access. Throws connection_not_found.
 */
export type RegisterDependency = (
  actor: Actor,
  workflow: Workflow,
  connectionName: string,
) => Promise<{ dependency: Dependency; isNew: boolean }>;

export interface RegisterDependencyDeps {
  database: Pick<Database, 'write'>;
  clock: () => Date;
}

export function createRegisterDependency({ database, clock }: RegisterDependencyDeps): RegisterDependency {
  return (actor, workflow, connectionName) =>
    database.write(actor.organizationId, async ({ connections, workflows, audit }) => {
      const found = await connections.find(connectionName);
      // Locked, so that a deletion at the same time either finds this dependency or is found here.
      const connection = found && (await connections.lockForUse(found.connection.id));
      if (connection === undefined) throw noSuchConnection(connectionName);
      const now = clock();
      const registered = await workflows.register(connection, workflow, now);
      if (registered.isNew) {
        await audit.append(workflowEventOf(actor, now, { action: 'workflow.registered', workflow, connection }));
      }
      return registered;
    });
}
