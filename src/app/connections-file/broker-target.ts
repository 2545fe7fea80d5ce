import type { Broker } from '../../broker/assembly/create-broker.ts';
import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { Call, ConnectionsTarget, CurrentConnection, Preview, Refusal } from '../../connections-file/target.ts';
import type { Actor } from '../../domain/callers/caller.ts';
import { isDrifted } from '../../domain/connections/connection.ts';
import { type BrokerErrorCode, isBrokerError } from '../../domain/errors.ts';
import { toPreview } from '../../http/schemas/change-preview.ts';
import {
  connectionReplacement,
  newConnection,
  toNewConnection,
  toReplacement,
} from '../../http/schemas/connection-input.ts';

type UseCases = Pick<
  Broker,
  | 'listConnections'
  | 'changesNothing'
  | 'previewCreate'
  | 'previewEdit'
  | 'previewDelete'
  | 'createConnection'
  | 'editConnection'
  | 'deleteConnection'
>;

const pageSize = 200;

const nothing: Preview = {
  changes: [],
  effects: {
    grants_disconnected: 0,
    organizations_disconnected: 0,
    authorizations_voided: 0,
    workflows_disabled: 0,
    revoked_at_provider: false,
    client_secret_required: false,
  },
  warnings: [],
};

/** Reaches the connections of the actor's scope through the use cases, as the API does. */
export function createBrokerTarget(broker: UseCases, actor: Actor): ConnectionsTarget {
  const listed = new Map<string, ConnectionView['connection']>();
  return {
    async list() {
      listed.clear();
      const found: CurrentConnection[] = [];
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const filter = { includeGlobal: actor.organizationId === null, limit: pageSize, ...(cursor && { cursor }) };
        const page = await broker.listConnections(actor, filter);
        for (const { connection } of page.connections) {
          listed.set(connection.name, connection);
          found.push({
            connection_name: connection.name,
            managed_by: connection.settings.managedBy,
            drifted: isDrifted(connection),
          });
        }
        cursor = page.nextCursor;
      }
      return found;
    },

    preview: (call) =>
      orRefusal(async () => {
        const connection = listed.get(call.name);
        // Without a transaction: a start of the service finds thousands of connections unchanged.
        if (call.action === 'change' && connection && broker.changesNothing(connection, editOf(call, null, false))) {
          return { preview: nothing, etag: String(connection.revision) };
        }
        listed.delete(call.name);
        const preview = await previewOf(broker, actor, call);
        const etag = preview.before === null ? null : String(preview.before.connection.revision);
        return { preview: toPreview(preview, actor.organizationId), etag };
      }),

    perform: (call, etag, isConfirmed) =>
      orRefusal(async () => {
        if (call.action === 'create')
          await broker.createConnection(actor, toNewConnection(newConnection.parse(call.body)));
        else if (call.action === 'change')
          await broker.editConnection(actor, call.name, editOf(call, etag, isConfirmed));
        else await broker.deleteConnection(actor, call.name, deletionOf(etag, isConfirmed));
        return { refusal: null };
      }),
  };
}

function previewOf(broker: UseCases, actor: Actor, call: Call) {
  if (call.action === 'create') return broker.previewCreate(actor, toNewConnection(newConnection.parse(call.body)));
  if (call.action === 'delete') return broker.previewDelete(actor, call.name);
  return broker.previewEdit(actor, call.name, editOf(call, null, false));
}

function editOf({ body }: Extract<Call, { action: 'change' }>, etag: string | null, confirmDisconnect: boolean) {
  const change = toReplacement(connectionReplacement.parse(body));
  return { ...change, ifMatch: etag === null ? undefined : [etag], confirmDisconnect };
}

function deletionOf(etag: string | null, confirmDisableWorkflows: boolean) {
  return { ifMatch: etag === null ? undefined : [etag], confirmDisableWorkflows };
}

/** Errors that say nothing about the call. Most of them pass, so the step of the start is repeated. */
const passingCodes: readonly BrokerErrorCode[] = ['service_unavailable', 'internal_error'];

async function orRefusal<T>(work: () => Promise<T>): Promise<T | { refusal: Refusal }> {
  try {
    return await work();
  } catch (error) {
    if (!isBrokerError(error) || passingCodes.includes(error.code)) throw error;
    const { code, message } = error;
    const errors = isBrokerError(error, 'invalid_request') ? error.details.errors : [];
    return { refusal: { code, message, errors } };
  }
}
