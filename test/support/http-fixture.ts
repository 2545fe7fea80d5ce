import { Writable } from 'node:stream';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import type { ConnectionView } from '../../src/broker/connection-view.ts';
import type { GrantView } from '../../src/broker/grant-view.ts';
import { type Caller, permissions } from '../../src/domain/caller.ts';
import type { Credential } from '../../src/domain/credential.ts';
import { BrokerError } from '../../src/domain/errors.ts';
import { Secret } from '../../src/domain/secret.ts';
import { createHttpServer, type HttpServerDeps, type HttpUseCases } from '../../src/http/server.ts';

export const adminKey = 'an-administrators-key-for-tests-only';
export const now = new Date('2030-01-31T12:00:00Z');
export const connectionId = '01980c2e-6f5a-7c31-9b0e-0d6d6f1c2a11';
export const grantId = '01980c2f-1b2c-7a44-8f3e-5b1f4f0e9d02';
export const state = 'c3RhdGUtb2YtYS10cmlwLWZvci10ZXN0cw';

export const admin: Caller = {
  id: 'bootstrap',
  name: 'bootstrap',
  permissions,
  organizations: '*',
  global: true,
  connections: null,
};

export function grantView(change: Partial<GrantView> = {}): GrantView {
  return {
    id: grantId,
    connectionId,
    organizationId: 'acme',
    subject: null,
    accountId: '4711',
    accountName: 'Ada',
    status: 'completed',
    statusReason: null,
    statusMessage: null,
    sealedTokens: new Uint8Array([1]),
    facts: {
      expiresAt: new Date('2030-01-31T13:00:00Z'),
      refreshExpiresAt: null,
      obtainedAt: now,
      lifetimeSeconds: 3600,
      refreshable: true,
      scopes: ['read'],
    },
    requestedScopes: ['read'],
    version: 1,
    leaseOwner: null,
    leaseUntil: null,
    refreshStartedAt: null,
    consecutiveFailures: 0,
    failingSince: null,
    retryAt: null,
    lastRefreshAt: now,
    lastTestAt: now,
    health: 'healthy',
    healthError: null,
    revokedAt: null,
    revokedBy: null,
    revokedReason: null,
    createdAt: now,
    updatedAt: now,
    nextRefreshAt: now,
    ...change,
  };
}

export function connectionView(change: Partial<ConnectionView> = {}): ConnectionView {
  return {
    connection: {
      id: connectionId,
      organizationId: 'acme',
      name: 'crm',
      settings: {
        provider: 'generic',
        flow: 'authorization_code',
        clientId: 'client',
        authorizationUrl: 'https://provider.example/authorize',
        tokenUrl: 'https://provider.example/token',
        revocationUrl: null,
        testUrl: null,
        tokenAuthMethod: null,
        variables: { tenant: 'one' },
        scopes: ['read'],
        authorizeParams: { audience: 'api', prompt: 'consent' },
        tokenParams: {},
        multiAccount: true,
        shareWithOrganizations: false,
        description: 'Customers',
      },
      sealedClientSecrets: new Uint8Array([1]),
      configVersion: 1,
      revision: 3,
      createdBy: 'bootstrap',
      createdAt: now,
      updatedAt: now,
    },
    status: 'completed',
    statusReason: null,
    statusMessage: null,
    served: grantView(),
    shadowed: false,
    authorizationUrl: 'https://provider.example/authorize',
    tokenUrl: 'https://provider.example/token',
    revocationUrl: null,
    testUrl: null,
    redirectUri: 'https://broker.example/callback/acme/crm',
    nextRefreshAt: now,
    ...change,
  };
}

export const credential: Credential = {
  connectionName: 'crm',
  organizationId: 'acme',
  grantOrganizationId: 'acme',
  subject: null,
  accountId: '4711',
  expiresAt: new Date('2030-01-31T13:00:00Z'),
  scopes: ['read'],
  status: 'completed',
  statusReason: null,
  openTokens: () => ({
    accessToken: 'canary-access-token',
    tokenType: 'Bearer',
    extra: { instance_url: 'https://eu.provider.example' },
  }),
  room: null,
};

const apiKey = {
  id: '01980c30-0a5e-7d10-9a55-3c9d7e8f1b23',
  name: 'engine',
  secretHash: new Uint8Array(32),
  permissions: ['credentials:read' as const],
  organizations: ['acme'],
  global: false,
  connections: null,
  createdBy: 'bootstrap',
  createdAt: now,
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
};

/** Everything succeeds, with the same answer every time. */
export function stubUseCases(change: Partial<HttpUseCases> = {}): HttpUseCases {
  return {
    authenticateCaller: async (bearer) => {
      if (bearer.reveal() !== adminKey) throw BrokerError.of('unauthorized', 'Unknown key.');
      return admin;
    },
    createConnection: async () => connectionView(),
    listConnections: async () => ({ connections: [connectionView()], count: 1, nextCursor: null }),
    getConnection: async () => connectionView(),
    editConnection: async (_actor, _name, edit) => {
      edit.apply(connectionView().connection.settings);
      return connectionView();
    },
    deleteConnection: async () => ({ disabledWorkflows: [{ workflowId: 'w', workflowName: null }] }),
    listGrants: async () => [grantView()],
    importGrant: async () => grantView(),
    deleteGrant: async () => undefined,
    forceRefresh: async () => grantView(),
    testConnection: async () => ({ testResult: 'success', message: 'Fine.', testedAt: now, responseTimeMs: 12 }),
    revokeGrants: async () => [{ grantId, subject: null, accountId: '4711', revokedAtProvider: true }],
    startAuthorization: async () => ({
      authorizationUrl: `https://broker.example/authorize/${state}`,
      state,
      expiresAt: now,
    }),
    getAuthorization: async () => ({
      status: 'pending',
      statusReason: null,
      connectionName: 'crm',
      subject: null,
      accountId: null,
    }),
    cancelAuthorization: async () => 1,
    openAuthorization: async () => ({ kind: 'redirect', url: 'https://provider.example/authorize?client_id=client' }),
    completeAuthorization: async () => ({ kind: 'refused', message: 'This link was used already.' }),
    getCredential: async () => credential,
    renewCredential: async () => credential,
    createApiKey: async () => ({ apiKey, key: new Secret('canary-api-key') }),
    listApiKeys: async () => [apiKey],
    revokeApiKey: async () => undefined,
    ...change,
  };
}

export interface HttpFixture {
  app: FastifyInstance;
  /** As an administrator of everything, acting for the organisation acme. */
  call: (options: InjectOptions) => Promise<LightMyRequestResponse>;
  /** Every line logged so far. */
  log: Record<string, unknown>[];
}

export async function createHttpFixture(
  useCases: Partial<HttpUseCases> = {},
  change: Partial<HttpServerDeps> = {},
): Promise<HttpFixture> {
  const log: Record<string, unknown>[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      log.push(JSON.parse(chunk.toString()));
      done();
    },
  });
  const app = await createHttpServer({
    useCases: stubUseCases(useCases),
    serves: 'everything',
    catalogue: { find: () => undefined, list: () => [] },
    probes: {
      database: async () => true,
      queue: async () => true,
      readiness: async () => ({ database: true, migrated: true, keyProven: true }),
    },
    logger: pino({ level: 'debug' }, sink),
    clock: () => now,
    newBrowserId: () => 'a-new-browser-id-of-enough-length',
    version: '1.2.3',
    basePath: '',
    publicUrlIsHttps: true,
    cookieKeys: ['the-newest-cookie-key-of-them-all-000'],
    rateLimitMax: 300,
    trustProxy: false,
    ...change,
  });
  return {
    app,
    log,
    call: (options) =>
      app.inject({
        ...options,
        headers: { authorization: `Bearer ${adminKey}`, 'x-organization-id': 'acme', ...options.headers },
      }),
  };
}
