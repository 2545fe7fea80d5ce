import { createCheckSettings } from '../connections/check-settings.ts';
import { createViewConnection } from '../connections/connection-view.ts';
import { createCreateConnection, createPreviewCreate } from '../connections/create-connection.ts';
import { createDeleteConnection } from '../connections/delete-connection.ts';
import { createEditConnection, createPreviewEdit } from '../connections/edit-connection.ts';
import { createObtainClientCredentials } from '../connections/obtain-client-credentials.ts';
import { createChangesNothing } from '../connections/plan-edit.ts';
import { createPreviewDelete } from '../connections/preview-delete.ts';
import { createGetConnection, createListConnections } from '../connections/read-connections.ts';
import { createStoreGrant } from '../grants/store-grant.ts';
import { createRedirectUriOf } from '../redirect-uri.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';
import type { createRevocations } from './create-revocations.ts';
import { observeClientOf } from './observe-client-of.ts';

/** Builds the use cases that create, edit, read and delete connections. */
export function createConnections(
  ports: BrokerPorts,
  settings: BrokerSettings,
  { revokeAtOnce, revokeWaiting }: Pick<ReturnType<typeof createRevocations>, 'revokeAtOnce' | 'revokeWaiting'>,
) {
  const { database, oauth, catalogue, cipher, fingerprints, newId, clock } = ports;
  const viewConnection = createViewConnection({
    oauth,
    redirectUriOf: createRedirectUriOf(settings.baseUrl),
    policy: settings,
    clock,
  });
  const checkSettings = createCheckSettings({ oauth, catalogue, baseUrl: settings.baseUrl });
  const storeGrant = createStoreGrant({ cipher, newId });
  const obtainClientCredentials = createObtainClientCredentials({
    database,
    oauth,
    cipher,
    observeClient: observeClientOf(ports),
    storeGrant,
    refusals: ports.refreshes,
    onRefreshFailure: ports.onRefreshFailure,
    newId,
    clock,
  });
  const writing = { database, checkSettings, obtainClientCredentials, viewConnection, cipher, fingerprints, clock };
  return {
    createConnection: createCreateConnection({ ...writing, newId }),
    previewCreate: createPreviewCreate({ ...writing, newId }),
    checkSettings,
    changesNothing: createChangesNothing({ ...writing, oauth, catalogue }),
    editConnection: createEditConnection({ ...writing, oauth, catalogue }),
    previewEdit: createPreviewEdit({ ...writing, oauth, catalogue }),
    previewDelete: createPreviewDelete({
      database,
      oauth,
      viewConnection,
      callsTokenEndpoints: settings.callsTokenEndpoints,
      clock,
    }),
    getConnection: createGetConnection({ database, viewConnection }),
    listConnections: createListConnections({ database, viewConnection }),
    deleteConnection: createDeleteConnection({ database, oauth, revokeWaiting, revokeAtOnce, clock }),
  };
}
