import type { Cipher } from '../domain/ports/cipher.ts';
import type {
  ApiKeyStore,
  CredentialLookup,
  ExpiringGrant,
  ForecastStore,
  GrantSignals,
  HealthStore,
  RefreshQueue,
  RefreshStore,
  SweepStore,
  TripStore,
} from '../domain/ports/engine.ts';
import type { OAuthGateway, ProviderCatalogue } from '../domain/ports/oauth.ts';
import type { Spool } from '../domain/ports/spool.ts';
import type { Database } from '../domain/ports/stores.ts';
import type { NewId, Tokens } from '../domain/ports/tokens.ts';
import type { RefreshSchedule } from '../domain/refresh-policy.ts';
import type { Secret } from '../domain/secret.ts';
import { createAuthenticateCaller } from './authenticate-caller.ts';
import { createCheckHealth } from './check-health.ts';
import { createCheckSettings } from './check-settings.ts';
import { createCompleteAuthorization } from './complete-authorization.ts';
import { createConnectGrant } from './connect-grant.ts';
import { createRedirectUriOf, createViewConnection } from './connection-view.ts';
import { createCreateApiKey } from './create-api-key.ts';
import { createCreateConnection } from './create-connection.ts';
import { createDeleteConnection } from './delete-connection.ts';
import { createDeleteGrant } from './delete-grant.ts';
import { createEditConnection } from './edit-connection.ts';
import { createCancelAuthorization, createGetAuthorization } from './follow-authorization.ts';
import { createForceRefresh } from './force-refresh.ts';
import { createForecastExpiries } from './forecast-expiries.ts';
import { createFindServable, createGetCredential } from './get-credential.ts';
import { createViewGrant } from './grant-view.ts';
import { createImportGrant } from './import-grant.ts';
import { createListApiKeys } from './list-api-keys.ts';
import { createListGrants } from './list-grants.ts';
import { createNoteUse } from './note-use.ts';
import { createObtainAuthorizedTokens } from './obtain-authorized-tokens.ts';
import { createObtainClientCredentials } from './obtain-client-credentials.ts';
import { createOpenAuthorization } from './open-authorization.ts';
import { createPersistRefreshed } from './persist-refreshed.ts';
import { createGetConnection, createListConnections } from './read-connections.ts';
import { createRecognizeCallback } from './recognize-callback.ts';
import { createRecordCallback } from './record-callback.ts';
import { createRefreshAhead } from './refresh-ahead.ts';
import { createCallProvider } from './refresh-call.ts';
import { createRefreshDueGrant } from './refresh-due-grant.ts';
import { createRefreshGrant } from './refresh-grant.ts';
import { createRenewCredential } from './renew-credential.ts';
import { createRevokeApiKey } from './revoke-api-key.ts';
import { createRevokeAtProvider } from './revoke-at-provider.ts';
import { createRevokeGrants } from './revoke-grants.ts';
import { createServeCredential } from './serve-credential.ts';
import { createOpenServedTokens } from './served-tokens.ts';
import { createStartAuthorization } from './start-authorization.ts';
import { createStoreGrant } from './store-grant.ts';
import { createSweepDueGrants, isSweepOverdue } from './sweep-due-grants.ts';
import { createTallySweeps } from './tally-sweeps.ts';
import { createTestConnection } from './test-connection.ts';

/** Everything the use cases need of the outside. */
export interface BrokerPorts {
  database: Database;
  credentials: CredentialLookup;
  refreshes: RefreshStore;
  sweeps: SweepStore;
  health: HealthStore;
  forecasts: ForecastStore;
  trips: TripStore;
  apiKeys: ApiKeyStore;
  noteKeyUse: (id: string) => void;
  signals: GrantSignals;
  queue: RefreshQueue;
  spool: Spool;
  oauth: OAuthGateway;
  catalogue: ProviderCatalogue;
  cipher: Cipher;
  tokens: Tokens;
  newId: NewId;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Aborted once nothing is in flight any more. */
  ended: AbortSignal;
  onBackgroundError: (error: unknown) => void;
  onExpiryWarning: (expiring: ExpiringGrant) => void;
}

export interface BrokerSettings {
  baseUrl: () => string;
  bootstrapKey: Secret | null;
  allowedReturnUrls: readonly string[];
  authorizationTtlMs: number;
  schedule: RefreshSchedule;
  healthCheckIntervalMs: number;
  expiryWarningMs: number;
  /** Bounds how long a reader waits, together with a little patience. */
  providerTimeoutMs: number;
  leaseMs: number;
  instanceId: string;
}

export type Broker = ReturnType<typeof createBroker>;

/** A reader outlasts the provider's connect timeout by this much before it is told to come back. */
const extraPatienceMs = 2_000;
const nonceBytes = 16;

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

function createEngine(ports: BrokerPorts, settings: BrokerSettings) {
  const { cipher, clock, refreshes: store, database, oauth, catalogue, sleep, tokens } = ports;
  const { schedule } = settings;
  const { persist, settled, replay } = createPersistRefreshed({
    store,
    spool: ports.spool,
    sleep: (ms) => sleep(ms, ports.ended),
    onError: ports.onBackgroundError,
  });
  const callProvider = createCallProvider({ store, persist, oauth, catalogue, cipher, clock });
  const { refreshGrant, isRefreshing, drain } = createRefreshGrant({
    store,
    signals: ports.signals,
    callProvider,
    settled,
    clock,
    instanceId: settings.instanceId,
    newNonce: () => tokens.random(nonceBytes),
    leaseMs: settings.leaseMs,
  });
  const patienceMs = settings.providerTimeoutMs + extraPatienceMs;
  const { onBackgroundError } = ports;
  const noteUse = createNoteUse({ queue: ports.queue, clock, schedule, onError: onBackgroundError });
  const serveCredential = createServeCredential({
    refreshGrant,
    isRefreshing,
    noteUse,
    openServedTokens: createOpenServedTokens(cipher),
    clock,
    sleep,
    patienceMs,
    onBackgroundError,
  });
  const findServable = createFindServable({ lookup: ports.credentials, database });
  const findStored = createFindServable({ lookup: { find: ports.credentials.findStored }, database });
  return {
    drainRefreshes: drain,
    replaySpool: replay,
    getCredential: createGetCredential({ findServable, serveCredential }),
    renewCredential: createRenewCredential({ findServable: findStored, serveCredential, cipher }),
    forceRefresh: createForceRefresh({ database, refreshGrant, clock, schedule }),
    refreshGrant,
  };
}

/** What runs by the clock, and in the background. */
function createUpkeep(
  ports: BrokerPorts,
  { schedule, healthCheckIntervalMs: intervalMs, expiryWarningMs: warningMs }: BrokerSettings,
  { refreshGrant }: Pick<ReturnType<typeof createEngine>, 'refreshGrant'>,
) {
  const { sweeps, queue, health, forecasts, oauth, catalogue, cipher, newId, clock, sleep, ended } = ports;
  const { onBackgroundError: onError, onExpiryWarning: onWarning } = ports;
  const tally = createTallySweeps({ sweeps, sleep: (ms) => sleep(ms, ended), onError });
  return {
    sweepDueGrants: createSweepDueGrants({ sweeps, queue, newId, clock, sleep, schedule }),
    isSweepOverdue: () => isSweepOverdue({ sweeps, clock, schedule }),
    refreshDueGrant: createRefreshDueGrant({ refreshGrant, tally, clock, schedule }),
    flushTally: () => tally.flush(),
    refreshAhead: createRefreshAhead({ refreshGrant }),
    checkHealth: createCheckHealth({ health, oauth, catalogue, cipher, clock, intervalMs, onError }),
    forecastExpiries: createForecastExpiries({ forecasts, clock, warningMs, onWarning }),
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
  { apiKeys: store, noteKeyUse: noteUse, tokens, newId, clock }: BrokerPorts,
  { bootstrapKey }: BrokerSettings,
) {
  return {
    authenticateCaller: createAuthenticateCaller({ findApiKey: store.find, noteUse, tokens, bootstrapKey, clock }),
    createApiKey: createCreateApiKey({ store, tokens, newId, clock }),
    listApiKeys: createListApiKeys({ store }),
    revokeApiKey: createRevokeApiKey({ store, clock }),
  };
}
