import { createAuthenticateCaller } from './authenticate-caller.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';
import { createCheckSettings } from './check-settings.ts';
import { createCompleteAuthorization } from './complete-authorization.ts';
import { createConnectGrant } from './connect-grant.ts';
import { createRedirectUriOf, createViewConnection } from './connection-view.ts';
import { createCreateApiKey } from './create-api-key.ts';
import { createCreateConnection } from './create-connection.ts';
import { createEngine } from './create-engine.ts';
import { createUpkeep } from './create-upkeep.ts';
import { createDeleteConnection } from './delete-connection.ts';
import { createDeleteGrant } from './delete-grant.ts';
import { createEditConnection } from './edit-connection.ts';
import { createCancelAuthorization, createGetAuthorization } from './follow-authorization.ts';
import { createViewGrant } from './grant-view.ts';
import { createImportGrant } from './import-grant.ts';
import { createListApiKeys } from './list-api-keys.ts';
import { createListGrants } from './list-grants.ts';
import { createObtainAuthorizedTokens } from './obtain-authorized-tokens.ts';
import { createObtainClientCredentials } from './obtain-client-credentials.ts';
import { createOpenAuthorization } from './open-authorization.ts';
import { createGetConnection, createListConnections } from './read-connections.ts';
import { createRecognizeCallback } from './recognize-callback.ts';
import { createRecordCallback } from './record-callback.ts';
import { createRevokeApiKey } from './revoke-api-key.ts';
import { createRevokeAtProvider } from './revoke-at-provider.ts';
import { createRevokeGrants } from './revoke-grants.ts';
import { createStartAuthorization } from './start-authorization.ts';
import { createStoreGrant } from './store-grant.ts';
import { createTestConnection } from './test-connection.ts';

export type Broker = ReturnType<typeof createBroker>;

/** The use cases, each built from exactly what it uses. */
export function createBroker(ports: BrokerPorts, settings: BrokerSettings) {
  const engine = createEngine(ports, settings);
  return {
    ...engine,
    ...createUpkeep(ports, settings, engine),
    ...createConnections(ports, settings),
    ...createTrips(ports, settings),
    ...createGrants(ports, settings, engine),
    ...createKeys(ports, settings),
  };
}

function createConnections(ports: BrokerPorts, { baseUrl, schedule }: BrokerSettings) {
  const { database, oauth, catalogue, cipher, newId, clock } = ports;
  const viewConnection = createViewConnection({ oauth, redirectUriOf: createRedirectUriOf(baseUrl), schedule });
  const checkSettings = createCheckSettings({ oauth, catalogue, baseUrl });
  const storeGrant = createStoreGrant({ cipher, newId });
  const obtainClientCredentials = createObtainClientCredentials({ database, oauth, cipher, storeGrant, newId, clock });
  const writing = { database, checkSettings, obtainClientCredentials, viewConnection, cipher, clock };
  return {
    createConnection: createCreateConnection({ ...writing, newId }),
    editConnection: createEditConnection({ ...writing, oauth, catalogue }),
    getConnection: createGetConnection({ database, viewConnection }),
    listConnections: createListConnections({ database, viewConnection }),
    deleteConnection: createDeleteConnection({
      database,
      revokeAtProvider: createRevokeAtProvider({ oauth, cipher }),
      clock,
    }),
  };
}

function createTrips(ports: BrokerPorts, settings: BrokerSettings) {
  const { database, trips, oauth, catalogue, cipher, tokens, newId, clock } = ports;
  const { baseUrl, allowedReturnUrls, authorizationTtlMs: ttlMs } = settings;
  const redirectUriOf = createRedirectUriOf(baseUrl);
  return {
    startAuthorization: createStartAuthorization({
      database,
      oauth,
      cipher,
      tokens,
      redirectUriOf,
      baseUrl,
      allowedReturnUrls,
      ttlMs,
      clock,
    }),
    openAuthorization: createOpenAuthorization({ trips, oauth, cipher, tokens, clock }),
    getAuthorization: createGetAuthorization({ database, tokens, clock }),
    cancelAuthorization: createCancelAuthorization({ database, clock }),
    completeAuthorization: createCompleteAuthorization({
      recognizeCallback: createRecognizeCallback({ trips, tokens, redirectUriOf, clock }),
      obtainAuthorizedTokens: createObtainAuthorizedTokens({ oauth, cipher, clock }),
      connectGrant: createConnectGrant({ storeGrant: createStoreGrant({ cipher, newId }), catalogue, cipher, clock }),
      recordCallback: createRecordCallback({ database, clock }),
      trips,
      database,
      oauth,
      clock,
    }),
  };
}

function createGrants(
  ports: BrokerPorts,
  { schedule }: BrokerSettings,
  { getCredential }: Pick<ReturnType<typeof createEngine>, 'getCredential'>,
) {
  const { database, oauth, catalogue, cipher, newId, clock } = ports;
  const viewGrant = createViewGrant(schedule);
  return {
    listGrants: createListGrants({ database, viewGrant }),
    deleteGrant: createDeleteGrant({ database, clock }),
    importGrant: createImportGrant({
      database,
      catalogue,
      storeGrant: createStoreGrant({ cipher, newId }),
      viewGrant,
      clock,
    }),
    revokeGrants: createRevokeGrants({ database, revokeAtProvider: createRevokeAtProvider({ oauth, cipher }), clock }),
    testConnection: createTestConnection({ database, getCredential, oauth, cipher, clock }),
  };
}

function createKeys(
  { apiKeys: store, recallApiKey, noteKeyUse: noteUse, tokens, newId, clock }: BrokerPorts,
  { bootstrapKey }: BrokerSettings,
) {
  return {
    authenticateCaller: createAuthenticateCaller({
      findApiKey: store.find,
      recallApiKey,
      noteUse,
      tokens,
      bootstrapKey,
      clock,
    }),
    createApiKey: createCreateApiKey({ store, tokens, newId, clock }),
    listApiKeys: createListApiKeys({ store }),
    revokeApiKey: createRevokeApiKey({ store, clock }),
  };
}
