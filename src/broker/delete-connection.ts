import type { Actor } from '../domain/caller.ts';
import type { Database } from '../domain/ports/stores.ts';
import { eventOf } from './audit-event.ts';
import { noSuchConnection } from './no-such-connection.ts';
import type { RevokeAtProvider } from './revoke-at-provider.ts';

export interface DeletedConnection {
  /** Workflows that were disabled because they depended on it. */
  disabledWorkflows: { workflowId: string; workflowName: string | null }[];
}

/** Revokes at the provider what can be revoked, after the row is gone. Throws connection_not_found, dependent_workflows. */
export type DeleteConnection = (
  actor: Actor,
  name: string,
  options: { confirmDisableWorkflows: boolean },
) => Promise<DeletedConnection>;

export interface DeleteConnectionDeps {
  database: Database;
  revokeAtProvider: RevokeAtProvider;
  clock: () => Date;
}

export function createDeleteConnection({ database, revokeAtProvider, clock }: DeleteConnectionDeps): DeleteConnection {
  return async (actor, name, _options) => {
    const { connection, held } = await database.write(actor.organizationId, async ({ connections, grants, audit }) => {
      const connection = await connections.lockOwn(name);
      if (connection === undefined) throw noSuchConnection(name);
      const held = await grants.listAllOf(connection.id);
      await connections.delete(connection.id);
      const details = { grants: held.length };
      await audit.append(eventOf(actor, clock(), { action: 'connection.deleted', connection, details }));
      return { connection, held };
    });
    // Only after the commit: a provider that was told while the row could still come back would have killed a live grant.
    await revokeAtProvider(connection, held);
    return { disabledWorkflows: [] };
  };
}
