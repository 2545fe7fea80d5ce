import { Writable } from 'node:stream';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { createLog } from '../../../src/app/log/log.ts';
import { refusal } from '../../../src/broker/authorizations/refusal.ts';
import { type ChangePreview, noEffects } from '../../../src/broker/connections/change-preview.ts';
import type { ConnectionView } from '../../../src/broker/connections/connection-view.ts';
import type { GrantView } from '../../../src/broker/grants/grant-view.ts';
import { bootstrapCaller } from '../../../src/domain/callers/bootstrap.ts';
import { BrokerError } from '../../../src/domain/errors.ts';
import type { Credential } from '../../../src/domain/grants/credential.ts';
import { Secret } from '../../../src/domain/secret.ts';
import type { Dependency, WorkflowState } from '../../../src/domain/workflows.ts';
import { createHttpServer, type HttpServerDeps, type HttpUseCases } from '../../../src/http/server.ts';
import { aConnection } from '../builders/connection.ts';
import { aGrant, someMetadata } from '../builders/grant.ts';
import { stubFleet } from './fleet-stubs.ts';
import { stubKeys } from './key-stubs.ts';

export const adminKey = 'an-administrators-key-for-tests-only';
export const now = new Date('2030-01-31T12:00:00Z');
export const connectionId = '01980c2e-6f5a-7c31-9b0e-0d6d6f1c2a11';
export const grantId = '01980c2f-1b2c-7a44-8f3e-5b1f4f0e9d02';
export const state = 'c3RhdGUtb2YtYS10cmlwLWZvci10ZXN0cw';

export const admin = bootstrapCaller;

export function grantView(change: Partial<GrantView> = {}): GrantView {
  const metadata = someMetadata({ expiresAt: new Date('2030-01-31T13:00:00Z'), obtainedAt: now });
  const grant = aGrant({
    id: grantId,
    connectionId,
    accountId: '4711',
    accountName: 'Ada',
    metadata,
    lastRefreshAt: now,
    lastTestAt: now,
    health: 'healthy',
    createdAt: now,
    updatedAt: now,
  });
  return { ...grant, nextRefreshAt: now, nextAction: 'none', warnings: [], ...change };
}

export function connectionView(change: Partial<ConnectionView> = {}): ConnectionView {
  return {
    connection: {
      ...aConnection('acme', 'crm', {
        scopes: ['read'],
        authorizeParams: { audience: 'api', prompt: 'consent' },
        multiAccount: true,
        shareWithOrganizations: false,
        description: 'Customers',
      }),
      id: connectionId,
      sealedClientSecrets: new Uint8Array([1]),
      revision: 3,
      createdAt: now,
      updatedAt: now,
    },
    status: 'completed',
    statusReason: null,
    statusMessage: null,
    failure: null,
    served: grantView(),
    shadowed: false,
    authorizationUrl: 'https://provider.example/authorize',
    tokenUrl: 'https://provider.example/token',
    revocationUrl: null,
    testUrl: null,
    redirectUri: 'https://broker.example/callback/acme/crm',
    nextRefreshAt: now,
    nextAction: 'none',
    lastError: null,
    warnings: [],
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
  version: 1,
  status: 'completed',
  statusReason: null,
  nextAction: 'none',
  openTokens: () => ({
    accessToken: new Secret('canary-access-token'),
    tokenType: 'Bearer',
    extra: { instance_url: 'https://eu.provider.example' },
  }),
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
  rateLimitPerMinute: null,
  lastUsedAt: null,
  revokedAt: null,
};

function changePreview(change: Partial<ChangePreview> = {}): ChangePreview {
  return {
    before: connectionView(),
    after: connectionView(),
    changesSecret: true,
    secretFingerprint: null,
    effects: noEffects,
    ...change,
  };
}

const workflowState: WorkflowState = {
  workflowId: 'invoices',
  isDisabled: true,
  reason: 'broken',
  disabledAt: now,
  disabledBy: 'bootstrap',
  connectionName: null,
  enabledAt: null,
  enabledBy: null,
};

const dependency: Dependency = {
  workflow: { id: 'invoices', name: 'Invoices' },
  connectionId: '01980c2e-6f5a-7c31-9b0e-0d6d6f1c2a11',
  connectionName: 'crm',
  connectionOwner: 'acme',
  registeredAt: now,
  lastAccessedAt: now,
};

/** Use cases that always succeed with the same result. */
export function stubUseCases(change: Partial<HttpUseCases> = {}): HttpUseCases {
  return {
    authenticateCaller: async (bearer) => {
      if (bearer.reveal() !== adminKey) throw BrokerError.of('unauthorized', 'Unknown key.');
      return admin;
    },
    importGrants: () => ({
      async *next() {},
      finish: async () => ({ done: true, lines: 0, created: 0, replaced: 0, unchanged: 0, failed: 0 }),
    }),
    ...stubFleet(),
    requestSweep: async () => ({ state: 'queued', sweep: null }),
    listSweeps: async () => [],
    ...stubKeys(),
    createConnection: async () => connectionView(),
    previewCreate: async () => changePreview({ before: null }),
    listConnections: async () => ({ connections: [connectionView()], count: 1, nextCursor: null }),
    getConnection: async () => connectionView(),
    editConnection: async (_actor, _name, edit) => {
      edit.apply(connectionView().connection.settings);
      return connectionView();
    },
    previewEdit: async () => changePreview(),
    previewDelete: async () => changePreview({ after: null }),
    deleteConnection: async () => ({ disabledWorkflows: [{ id: 'w', name: null }] }),
    listGrants: async () => ({ grants: [grantView()], nextCursor: null }),
    getGrant: async () => grantView(),
    importGrant: async () => grantView(),
    deleteGrant: async () => undefined,
    refreshOnDemand: async () => grantView(),
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
      nextAction: 'authorize',
      error: null,
      errorDescription: null,
      connectionName: 'crm',
      subject: null,
      accountId: null,
      accountName: null,
      warnings: [],
    }),
    confirmAuthorization: async () => ({
      status: 'completed',
      statusReason: null,
      nextAction: 'none',
      error: null,
      errorDescription: null,
      connectionName: 'crm',
      subject: null,
      accountId: '4711',
      accountName: null,
      warnings: [],
    }),
    cancelAuthorization: async () => 1,
    openAuthorization: async () => ({
      kind: 'redirect',
      url: 'https://provider.example/authorize?client_id=client',
      expiresAt: new Date(now.getTime() + 600_000),
    }),
    completeAuthorization: async () => refusal('link_used'),
    getCredential: async () => credential,
    explainCredential: async () => ({ steps: [], refusal: null, nextAction: 'none' }),
    renewCredential: async () => ({ credential, renewed: true }),
    registerDependency: async () => ({ dependency, isNew: true }),
    listDependencies: async () => ({ items: [dependency], nextCursor: null }),
    listDependents: async () => ({ items: [dependency], nextCursor: null }),
    getWorkflow: async () => workflowState,
    listDisabledWorkflows: async () => ({ items: [workflowState], nextCursor: null }),
    disableWorkflow: async () => workflowState,
    enableWorkflow: async () => workflowState,
    createApiKey: async () => ({ apiKey, key: new Secret('canary-api-key') }),
    listApiKeys: async () => [apiKey],
    revokeApiKey: async () => undefined,
    listAuditEvents: async () => ({ events: [], nextCursor: null }),
    exportAuditEvents: async function* () {},
    ...change,
  };
}

export interface HttpFixture {
  app: FastifyInstance;
  /** Calls as an administrator of everything, for the organisation acme. */
  call: (options: InjectOptions) => Promise<LightMyRequestResponse>;
  /** Every log line so far. */
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
      background: async () => ({ workers: 1, lastSweepAt: now, isSweepOverdue: false }),
      unsavedTokens: async () => 0,
      queue: async () => null,
      readiness: async () => ({ database: true, migrated: true, keyProven: true, reason: null }),
      refreshMode: 'on' as const,
    },
    logger: createLog('debug', sink),
    onRequestEnd: () => undefined,
    readMetrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'up 1\n' }),
    clock: () => now,
    newBrowserId: () => 'a-new-browser-id-of-enough-length',
    version: '1.2.3',
    basePath: '',
    publicUrlIsHttps: true,
    baseUrl: () => 'https://broker.example',
    cookieKeys: () => ['the-newest-cookie-key-of-them-all-000'],
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
