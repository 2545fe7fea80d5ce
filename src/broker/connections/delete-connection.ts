import { type Actor, canReach } from '../../domain/callers/caller.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { AddedRevocation } from '../../domain/ports/maintenance/revocations.ts';
import type { OAuthGateway } from '../../domain/ports/oauth.ts';
import type { Database, TransactionStores } from '../../domain/ports/stores.ts';
import type { Dependent, Workflow } from '../../domain/workflows.ts';
import { eventOf, workflowEventOf } from '../audit-event.ts';
import { noSuchConnection } from '../no-such-connection.ts';
import { firstAttemptMs, type RevokeAtOnce } from '../revocations/revoke-at-once.ts';
import type { RevokeWaiting } from '../revocations/revoke-waiting.ts';
import { mayRevoke } from '../revocations/send-revocation.ts';
import { type IfMatch, requireMatch } from './require-match.ts';

export interface DeletedConnection {
  /** Workflows disabled because they depended on the connection, of the organisations that the caller reaches. */
  disabledWorkflows: Workflow[];
}

/**
 * Deletes a connection and all that depends on it in one transaction, then revokes its grants at the provider. What the
 * provider does not confirm at once stays pending and is repeated. Throws connection_not_found, precondition_failed,
 * dependent_workflows.
 */
export type DeleteConnection = (
  actor: Actor,
  name: string,
  conditions: { confirmDisableWorkflows: boolean; ifMatch?: IfMatch },
) => Promise<DeletedConnection>;

export interface DeleteConnectionDeps {
  database: Database;
  oauth: Pick<OAuthGateway, 'endpoints'>;
  revokeWaiting: RevokeWaiting;
  revokeAtOnce: RevokeAtOnce;
  clock: () => Date;
}

export function createDeleteConnection(deps: DeleteConnectionDeps): DeleteConnection {
  const { database, revokeAtOnce } = deps;
  return async (actor, name, { confirmDisableWorkflows, ifMatch }) => {
    const { disabled, added } = await database.writeReserved(actor.organizationId, async (stores) => {
      const connection = await stores.connections.lockOwn(name);
      if (connection === undefined) throw noSuchConnection(name);
      requireMatch(connection, ifMatch);
      if (!confirmDisableWorkflows) await refuseDependents(stores, actor, connection);
      return deleteLocked(deps, stores, actor, connection);
    });
    // Revoke only after the commit: a rollback would bring back a grant whose tokens the provider has revoked.
    await revokeAtOnce(added);
    return { disabledWorkflows: reachable(actor, disabled) };
  };
}

/** Refuses a deletion that would disable workflows. The owner of a global connection learns how many others have. */
async function refuseDependents({ workflows }: TransactionStores, actor: Actor, { id, name }: Connection) {
  const dependents = await workflows.listDependents(id);
  if (dependents.length === 0) return;
  throw BrokerError.with(
    'dependent_workflows',
    `Workflows that depend on ${name}: ${dependents.length}. Repeat the request with confirm_disable_workflows=true to disable them.`,
    {
      dependent_workflows: reachable(actor, dependents).map((workflow) => ({
        workflow_id: workflow.id,
        workflow_name: workflow.name,
      })),
    },
  );
}

/** Leaves out the workflows of organisations that the caller may not act for. */
function reachable({ caller }: Actor, dependents: readonly Dependent[]): Workflow[] {
  return dependents.filter(({ organizationId }) => canReach(caller, organizationId)).map(({ workflow }) => workflow);
}

async function deleteLocked(
  { oauth, revokeWaiting, clock }: DeleteConnectionDeps,
  stores: TransactionStores,
  actor: Actor,
  connection: Connection,
): Promise<{ disabled: Dependent[]; added: AddedRevocation[] }> {
  const { connections, grants, workflows, revocations, consents, audit } = stores;
  const at = clock();
  const by = actor.caller.id;
  const held = await grants.listAllOf(connection.id);
  const sent = held.filter((grant) => mayRevoke(oauth, connection, grant)).map((grant) => grant.id);
  const times = { now: at, dueAt: new Date(at.getTime() + firstAttemptMs) };
  const added = await revocations.add(connection, sent, times);
  // Tokens that wait for a confirmation are deleted with their authorizations.
  for (const waiting of await stores.authorizations.lockAllWaiting(connection.id)) {
    added.push(...(await revokeWaiting(stores, connection, waiting)));
  }
  const reason = `The connection ${connection.name} was deleted.`;
  const disabled = await workflows.disableDependents(connection.id, {
    reason,
    by,
    at,
    eventOf: ({ workflow }) =>
      workflowEventOf(actor, at, { action: 'workflow.disabled', workflow, connection, reason }),
  });
  await consents.endAllOf(connection.id, { by: 'deleted', actor: by, at });
  await connections.delete(connection.id);
  const details = { grants: held.length, workflows_disabled: disabled.length };
  await audit.append(eventOf(actor, at, { action: 'connection.deleted', connection, details }));
  return { disabled, added };
}
