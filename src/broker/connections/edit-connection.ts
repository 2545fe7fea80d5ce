import type { Actor } from '../../domain/callers/caller.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import { BrokerError, invalidRequest } from '../../domain/errors.ts';
import type { ConnectionRecord } from '../../domain/ports/connections.ts';
import type { Database, TransactionStores } from '../../domain/ports/stores.ts';
import { eventOf } from '../audit-event.ts';
import { noSuchConnection } from '../no-such-connection.ts';
import { type ChangeEffects, type ChangePreview, countEnding, newRecord, noEffects } from './change-preview.ts';
import type { ConnectionView, ViewConnection } from './connection-view.ts';
import type { ObtainClientCredentials } from './obtain-client-credentials.ts';
import { type ConnectionEdit, type EditPlan, type PlanEditDeps, planEdit } from './plan-edit.ts';
import { requireMatch } from './require-match.ts';

export type { ConnectionEdit } from './plan-edit.ts';

/**
 * Edits a connection that the actor's organisation owns. Throws connection_not_found (also for a global connection),
 * precondition_failed, invalid_request, client_secret_required, would_disconnect.
 */
export type EditConnection = (actor: Actor, name: string, edit: ConnectionEdit) => Promise<ConnectionView>;

/**
 * Plans an edit and writes nothing. Throws as EditConnection does, except client_secret_required and would_disconnect:
 * the effects report these two.
 */
export type PreviewEdit = (actor: Actor, name: string, edit: ConnectionEdit) => Promise<ChangePreview>;

export interface EditConnectionDeps extends PlanEditDeps {
  database: Database;
  obtainClientCredentials: ObtainClientCredentials;
  viewConnection: ViewConnection;
}

export function createEditConnection(deps: EditConnectionDeps): EditConnection {
  const { database, obtainClientCredentials, viewConnection } = deps;
  return async (actor, name, edit) => {
    const { connection, effect } = await database.write(actor.organizationId, async (stores) => {
      if (edit.isApplied) await stores.connections.queueApplication();
      const plan = await planLocked(deps, stores, name, edit);
      refuseUnconfirmed(plan, edit);
      await carryOut(deps, stores, actor, plan, edit.clientSecret !== undefined);
      return plan;
    });
    if (effect.fetchesToken) await obtainClientCredentials(actor, connection);

    const record = await database.read(actor.organizationId).connections.findOwn(name);
    if (record === undefined) throw noSuchConnection(name);
    return viewConnection(record);
  };
}

export function createPreviewEdit(deps: EditConnectionDeps): PreviewEdit {
  const { database, viewConnection } = deps;
  return (actor, name, edit) =>
    database.write(actor.organizationId, async (stores) => {
      const plan = await planLocked(deps, stores, name, edit);
      const record = await stores.connections.findOwn(name);
      if (record === undefined) throw noSuchConnection(name);
      return {
        before: viewConnection(record),
        after: viewConnection(recordAfter(record, plan, edit)),
        changesSecret: plan.changesSecret,
        secretFingerprint: plan.connection.clientSecretFingerprint,
        effects: plan.effects,
      };
    });
}

interface LockedPlan extends EditPlan {
  effects: ChangeEffects;
}

/** Locks the connection and plans the edit: every rule and number that a dry run and the edit itself share. */
async function planLocked(
  deps: EditConnectionDeps,
  stores: TransactionStores,
  name: string,
  edit: ConnectionEdit,
): Promise<LockedPlan> {
  const current = await stores.connections.lockOwn(name);
  if (current === undefined) throw noSuchConnection(name);
  requireMatch(current, edit.ifMatch);
  const plan = planEdit(deps, current, edit);
  if (plan.effect.changesSlots) await requireSeparateSlots(stores, current);
  const effects = { ...noEffects, clientSecretRequired: plan.lacksSecret };
  if (!plan.effect.dropsTokens) return { ...plan, effects };
  return { ...plan, effects: { ...effects, ...(await countEnding(stores, current, deps.clock())) } };
}

/** Two accounts cannot share one slot, and the broker cannot choose the one to drop. */
async function requireSeparateSlots({ grants }: TransactionStores, { id }: Connection): Promise<void> {
  if ((await grants.maxAccountsPerSubject(id)) <= 1) return;
  throw invalidRequest({ path: 'multi_account', message: 'cannot change while a subject has more than one account' });
}

/** Refuses an edit that would send a secret elsewhere, or end grants that work, without the caller's consent. */
function refuseUnconfirmed({ redirected, effects }: LockedPlan, edit: ConnectionEdit): void {
  if (effects.clientSecretRequired) {
    throw BrokerError.with(
      'client_secret_required',
      'This change sends secrets or tokens elsewhere: give the client_secret in the same request.',
      { changed: redirected },
    );
  }
  const { grantsDisconnected: grants, organizationsDisconnected: organizations } = effects;
  if (grants === 0 || edit.confirmDisconnect) return;
  throw BrokerError.with(
    'would_disconnect',
    `This change drops the tokens of ${grants} working grants. Repeat it with confirm_disconnect=true.`,
    { grants, organizations },
  );
}

async function carryOut(
  { clock }: EditConnectionDeps,
  { connections, grants, authorizations, audit, consents }: TransactionStores,
  actor: Actor,
  { connection, effect, redirected }: EditPlan,
  isSecretSent: boolean,
): Promise<void> {
  // A stored secret that is sent again lifts refusals too: the owner has mended the client at the provider.
  if (!effect.changesAnything && !isSecretSent) return;
  const now = clock();
  if (effect.dropsTokens) {
    await grants.dropAllOf(connection.id, now);
    await consents.endAllOf(connection.id, { by: 'disconnected', actor: actor.caller.id, at: now });
    await authorizations.voidAllOf(connection.id, now);
  }
  if (effect.changesSlots) await grants.setMultiAccount(connection.id, connection.settings.multiAccount);
  if (isSecretSent && !effect.dropsTokens) await grants.liftClientRejection(connection.id, now);
  // Also tells caches of the grants above.
  await connections.update(connection);
  if (!effect.changesAnything) return;
  const details = { redirected, secret_changed: effect.liftsClientRejection || effect.dropsTokens };
  await audit.append(eventOf(actor, now, { action: 'connection.updated', connection, details }));
}

/** Returns the record as it is after the edit, before any call to the provider. */
function recordAfter(record: ConnectionRecord, { connection, effect }: EditPlan, edit: ConnectionEdit) {
  if (effect.dropsTokens) return newRecord(connection);
  const { served } = record;
  const isLifted =
    edit.clientSecret !== undefined && served?.sealedTokens != null && served.lastError?.class === 'client';
  return { ...record, connection, served: isLifted ? { ...served, lastError: null } : served };
}
