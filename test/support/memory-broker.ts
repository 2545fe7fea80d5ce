import { createHash, randomBytes } from 'node:crypto';
import { createCheckSettings } from '../../src/broker/check-settings.ts';
import { createCompleteAuthorization } from '../../src/broker/complete-authorization.ts';
import { createConnectGrant } from '../../src/broker/connect-grant.ts';
import { createRedirectUriOf, createViewConnection } from '../../src/broker/connection-view.ts';
import { createCreateConnection, type NewConnection } from '../../src/broker/create-connection.ts';
import { createDeleteConnection } from '../../src/broker/delete-connection.ts';
import { createDeleteGrant } from '../../src/broker/delete-grant.ts';
import { createEditConnection } from '../../src/broker/edit-connection.ts';
import { createCancelAuthorization, createGetAuthorization } from '../../src/broker/follow-authorization.ts';
import { createViewGrant } from '../../src/broker/grant-view.ts';
import { createImportGrant, type ImportedTokens } from '../../src/broker/import-grant.ts';
import { createListGrants } from '../../src/broker/list-grants.ts';
import { createObtainAuthorizedTokens } from '../../src/broker/obtain-authorized-tokens.ts';
import { createObtainClientCredentials } from '../../src/broker/obtain-client-credentials.ts';
import { createOpenAuthorization } from '../../src/broker/open-authorization.ts';
import { createRecognizeCallback } from '../../src/broker/recognize-callback.ts';
import { createRecordCallback } from '../../src/broker/record-callback.ts';
import { createRevokeAtProvider } from '../../src/broker/revoke-at-provider.ts';
import { createRevokeGrants } from '../../src/broker/revoke-grants.ts';
import { openTokens } from '../../src/broker/sealing.ts';
import { createStartAuthorization } from '../../src/broker/start-authorization.ts';
import { createStoreGrant } from '../../src/broker/store-grant.ts';
import { type Actor, permissions } from '../../src/domain/caller.ts';
import type { OrganizationId } from '../../src/domain/connection.ts';
import type { Grant } from '../../src/domain/grant.ts';
import type { Tokens } from '../../src/domain/ports/tokens.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { TokenSet } from '../../src/domain/token-set.ts';
import { createCatalogue } from '../../src/oauth/catalogue.ts';
import { createMemoryCipher } from './memory-cipher.ts';
import { createMemoryDatabase } from './memory-database.ts';
import { createScriptedGateway } from './scripted-gateway.ts';

export type MemoryBroker = ReturnType<typeof createMemoryBroker>;

export const memoryTokens: Tokens = {
  random: (bytes) => randomBytes(bytes).toString('base64url'),
  sha256: (text) => createHash('sha256').update(text).digest(),
  sha256Text: (text) => createHash('sha256').update(text).digest('base64url'),
  equal: (a, b) => Buffer.compare(a, b) === 0,
};

/** Every use case of connections, trips and grants, over fakes that the test can look into. */
export function createMemoryBroker() {
  const { database, trips, rows } = createMemoryDatabase();
  const cipher = createMemoryCipher();
  const oauth = createScriptedGateway();
  const catalogue = createCatalogue();
  const place = { baseUrl: 'https://broker.test' };
  const time = { now: new Date('2030-01-01T00:00:00Z') };
  const baseUrl = () => place.baseUrl;
  const clock = () => time.now;
  const newId = () => crypto.randomUUID();
  const schedule = { intervalMs: 1_800_000, windowMs: 14_400_000 };
  const tokens = memoryTokens;

  const redirectUriOf = createRedirectUriOf(baseUrl);
  const viewConnection = createViewConnection({ oauth, redirectUriOf, schedule });
  const viewGrant = createViewGrant(schedule);
  const checkSettings = createCheckSettings({ oauth, catalogue, baseUrl });
  const storeGrant = createStoreGrant({ cipher, newId });
  const obtainClientCredentials = createObtainClientCredentials({ database, oauth, cipher, storeGrant, newId, clock });
  const revokeAtProvider = createRevokeAtProvider({ oauth, cipher });
  const forEdits = { database, checkSettings, obtainClientCredentials, viewConnection, cipher, clock };

  return {
    rows,
    oauth,
    place,
    time,
    database,
    tokensOf: (grant: Grant): TokenSet | null =>
      grant.sealedTokens === null ? null : openTokens(cipher, grant, grant.sealedTokens),
    createConnection: createCreateConnection({ ...forEdits, newId }),
    editConnection: createEditConnection({ ...forEdits, oauth, catalogue }),
    deleteConnection: createDeleteConnection({ database, revokeAtProvider, clock }),
    startAuthorization: createStartAuthorization({
      database,
      oauth,
      cipher,
      tokens,
      redirectUriOf,
      baseUrl,
      allowedReturnUrls: ['https://app.test'],
      ttlMs: 900_000,
      clock,
    }),
    openAuthorization: createOpenAuthorization({ trips, oauth, cipher, tokens, clock }),
    getAuthorization: createGetAuthorization({ database, tokens, clock }),
    cancelAuthorization: createCancelAuthorization({ database, clock }),
    completeAuthorization: createCompleteAuthorization({
      recognizeCallback: createRecognizeCallback({ trips, tokens, redirectUriOf, clock }),
      obtainAuthorizedTokens: createObtainAuthorizedTokens({ oauth, cipher, clock }),
      connectGrant: createConnectGrant({ storeGrant, catalogue, cipher, clock }),
      recordCallback: createRecordCallback({ database, clock }),
      trips,
      database,
      oauth,
      clock,
    }),
    listGrants: createListGrants({ database, viewGrant }),
    deleteGrant: createDeleteGrant({ database, clock }),
    importGrant: createImportGrant({ database, catalogue, storeGrant, viewGrant, clock }),
    revokeGrants: createRevokeGrants({ database, revokeAtProvider, clock }),
  };
}

export function actorOf(organizationId: OrganizationId): Actor {
  const caller = {
    id: 'bootstrap',
    name: 'test',
    permissions,
    organizations: '*',
    global: true,
    connections: null,
  } as const;
  return { caller, organizationId, trace: { requestId: null, address: null } };
}

export function newConnection(
  settings: Partial<NewConnection['settings']> = {},
  rest: Partial<Omit<NewConnection, 'settings'>> = {},
): NewConnection {
  return {
    name: 'crm',
    clientSecret: new Secret('client-secret'),
    ...rest,
    settings: {
      provider: 'generic',
      flow: 'authorization_code',
      clientId: 'client',
      authorizationUrl: 'https://provider.test/authorize',
      tokenUrl: 'https://provider.test/token',
      revocationUrl: 'https://provider.test/revoke',
      testUrl: null,
      tokenAuthMethod: null,
      variables: {},
      scopes: ['read'],
      authorizeParams: {},
      tokenParams: {},
      multiAccount: false,
      shareWithOrganizations: true,
      description: null,
      ...settings,
    },
  };
}

export function importedTokens(tokens: Partial<ImportedTokens> = {}): ImportedTokens {
  return {
    accessToken: new Secret('imported-at'),
    refreshToken: new Secret('imported-rt'),
    tokenType: null,
    expiresAt: new Date('2030-01-01T01:00:00Z'),
    scopes: null,
    subject: null,
    accountId: null,
    extra: {},
    ...tokens,
  };
}

/** A trip up to the moment the browser comes back with a code. */
export async function walkToCallback(
  broker: MemoryBroker,
  organizationId: OrganizationId,
  start: { subject?: string; accountId?: string; allowAccountChange?: boolean; returnUrl?: string } = {},
) {
  const { state } = await broker.startAuthorization(actorOf(organizationId), 'crm', {
    subject: null,
    accountId: null,
    allowAccountChange: false,
    scopes: null,
    returnUrl: null,
    loginHint: null,
    prompt: null,
    ...start,
  });
  await broker.openAuthorization(state, 'browser');
  return {
    state,
    hit: {
      organizationId: broker.rows.connections.values().next().value?.organizationId ?? null,
      connectionName: 'crm',
      parameters: new URLSearchParams({ code: 'the-code', state }),
      browserId: 'browser',
      requestId: null,
      address: null,
    },
  };
}
