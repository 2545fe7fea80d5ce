import type { Actor } from '../domain/caller.ts';
import type { Connection } from '../domain/connection.ts';
import { BrokerError, invalidRequest } from '../domain/errors.ts';
import type { Database, TransactionStores } from '../domain/ports/stores.ts';
import { eventOf } from './audit-event.ts';
import type { ConnectionView, ViewConnection } from './connection-view.ts';
import { noSuchConnection } from './no-such-connection.ts';
import type { ObtainClientCredentials } from './obtain-client-credentials.ts';
import { type ConnectionEdit, type EditPlan, type PlanEditDeps, planEdit } from './plan-edit.ts';

export type { ConnectionEdit } from './plan-edit.ts';

/**
 * Throws connection_not_found, precondition_failed, invalid_request, client_secret_required. Never touches a global
 * connection from an organisation.
 */
export type EditConnection = (actor: Actor, name: string, edit: ConnectionEdit) => Promise<ConnectionView>;

export interface EditConnectionDeps extends PlanEditDeps {
  database: Database;
  obtainClientCredentials: ObtainClientCredentials;
  viewConnection: ViewConnection;
}

export function createEditConnection(deps: EditConnectionDeps): EditConnection {
  const { database, obtainClientCredentials, viewConnection } = deps;
  return async (actor, name, edit) => {
    const { connection, effect } = await database.write(actor.organizationId, async (stores) => {
      const current = await stores.connections.lockOwn(name);
      if (current === undefined) throw noSuchConnection(name);
      requireMatch(current, edit.ifMatch);
      const plan = planEdit(deps, current, edit);
      await carryOut(deps, stores, actor, plan);
      return plan;
    });
    if (effect.fetchesToken) await obtainClientCredentials(actor, connection);

    const record = await database.read(actor.organizationId).connections.findOwn(name);
    if (record === undefined) throw noSuchConnection(name);
    return viewConnection(record);
  };
}

function requireMatch(current: Connection, ifMatch: ConnectionEdit['ifMatch']): void {
  if (ifMatch === undefined || ifMatch === '*' || ifMatch.includes(String(current.revision))) return;
  throw BrokerError.of('precondition_failed', 'The connection has changed since; read it again.');
}

async function carryOut(
  { clock }: EditConnectionDeps,
  { connections, grants, authorizations, audit }: TransactionStores,
  actor: Actor,
  { connection, effect, redirected }: EditPlan,
): Promise<void> {
  if (!effect.changesAnything) return;
  const now = clock();
  if (effect.dropsTokens) {
    await grants.dropAllOf(connection.id, now);
    await authorizations.voidAllOf(connection.id, now);
  }
  if (effect.changesSlots) {
    // Two accounts cannot share the one slot that is left, and which one to give up is not for us to say.
    if ((await grants.maxAccountsPerSubject(connection.id)) > 1) {
      throw invalidRequest({
        path: 'multi_account',
        message: 'cannot change while a subject has more than one account',
      });
    }
    await grants.setMultiAccount(connection.id, connection.settings.multiAccount);
  }
  if (effect.liftsClientRejection) await grants.liftClientRejection(connection.id, now);
  await connections.update(connection);
  const details = { redirected, secret_changed: effect.liftsClientRejection || effect.dropsTokens };
  await audit.append(eventOf(actor, now, { action: 'connection.updated', connection, details }));
}
