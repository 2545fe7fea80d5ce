import { setTimeout } from 'node:timers/promises';
import { createBroker } from '../../../src/broker/assembly/create-broker.ts';
import { plainStart } from '../../../src/broker/authorizations/start-authorization.ts';
import type { NewConnection } from '../../../src/broker/connections/create-connection.ts';
import type { ImportedTokens } from '../../../src/broker/grants/store-imported.ts';
import type { RevocationGivenUp } from '../../../src/broker/revocations/attempt-revocation.ts';
import { openTokens } from '../../../src/broker/sealing.ts';
import { createSecretFingerprints } from '../../../src/crypto/secret-fingerprints.ts';
import { createTokens, newId } from '../../../src/crypto/tokens.ts';
import { bootstrapCaller } from '../../../src/domain/callers/bootstrap.ts';
import type { Actor } from '../../../src/domain/callers/caller.ts';
import type { OrganizationId } from '../../../src/domain/connections/connection.ts';
import type { ExpectedAccount } from '../../../src/domain/expected-account.ts';
import type { CredentialFetch } from '../../../src/domain/grants/credential-fetch.ts';
import type { Grant } from '../../../src/domain/grants/grant.ts';
import type { TokenSet } from '../../../src/domain/grants/token-set.ts';
import type { RefreshFailure } from '../../../src/domain/ports/engine.ts';
import type { RefreshEnd } from '../../../src/domain/ports/monitoring/observations.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createCatalogue } from '../../../src/oauth/providers/catalogue.ts';
import { someSettings } from '../builders/connection.ts';
import { createScriptedGateway } from '../provider/scripted-gateway.ts';
import { createMemoryApiKeys } from './api-keys.ts';
import { createMemoryCipher } from './cipher.ts';
import { createIdleKeys } from './idle-keys.ts';
import { createIdleMaintenance, idleReadings } from './idle-maintenance.ts';
import { noWorkloadTokens } from './no-workload-tokens.ts';
import { createMemoryQueue } from './queue.ts';
import { createMemorySessions } from './sessions.ts';
import { createMemorySpool } from './spool.ts';
import { createMemoryStores } from './stores/stores.ts';

export type MemoryBroker = ReturnType<typeof createMemoryBroker>;

/** Every use case as the service builds it, over fakes that the test can look into. */
export function createMemoryBroker() {
  const place = { baseUrl: 'https://broker.test' };
  const time = { now: new Date('2030-01-01T00:00:00Z') };
  const clock = () => time.now;
  const { rows, ...stores } = createMemoryStores(clock);
  const cipher = createMemoryCipher();
  const oauth = createScriptedGateway(clock);
  const queue = createMemoryQueue();
  const apiKeys = createMemoryApiKeys();
  const backgroundErrors: unknown[] = [];
  const refreshFailures: RefreshFailure[] = [];
  const refreshEnds: RefreshEnd[] = [];
  const fetches: CredentialFetch[] = [];
  const revocationsGivenUp: RevocationGivenUp[] = [];
  const useCases = createBroker(
    {
      ...stores,
      ...createIdleMaintenance(),
      // Grants in memory have no second token set.
      siblingRefreshes: () => stores.refreshes,
      apiKeys,
      consoleSessions: createMemorySessions(),
      recallApiKey: (id) => apiKeys.rows.get(id),
      noteKeyUse: () => {},
      workloadTokens: noWorkloadTokens,
      queue,
      readings: idleReadings(),
      spool: createMemorySpool(),
      oauth,
      circuits: () => [],
      catalogue: createCatalogue(),
      cipher,
      fingerprints: createSecretFingerprints(() => ['a2V5']),
      ...createIdleKeys(),
      tokens: createTokens(),
      newId,
      clock,
      sleep: (ms, signal) => setTimeout(ms, undefined, { signal, ref: false }),
      ended: new AbortController().signal,
      onBackgroundError: (error) => void backgroundErrors.push(error),
      onRefreshFailure: (failure) => void refreshFailures.push(failure),
      onHealthChange: () => {},
      onExpiryWarning: () => {},
      onRefreshEnd: (refresh) => void refreshEnds.push(refresh),
      onFetch: (fetch) => void fetches.push(fetch),
      onRevocationGivenUp: (givenUp) => void revocationsGivenUp.push(givenUp),
    },
    {
      baseUrl: () => place.baseUrl,
      bootstrapKey: null,
      consoleRoles: [],
      allowedReturnUrls: ['https://app.test'],
      authorizationTtlMs: 900_000,
      confirmPage: 'never',
      callsTokenEndpoints: true,
      schedule: { intervalMs: 1_800_000, windowMs: 14_400_000 },
      healthCheckIntervalMs: 3_600_000,
      expiryWarningMs: 604_800_000,
      auditRetentionMs: 7_776_000_000,
      providerTimeoutMs: 10_000,
      leaseMs: 30_000,
      instanceId: 'instance',
      heldKeyIds: ['k1'],
    },
  );
  return {
    ...useCases,
    rows,
    oauth,
    queue,
    apiKeys,
    backgroundErrors,
    refreshFailures,
    refreshEnds,
    fetches,
    revocationsGivenUp,
    place,
    time,
    database: stores.database,
    clientSecrets: stores.clientSecrets,
    tokensOf: (grant: Grant): TokenSet | null =>
      grant.sealedTokens === null ? null : openTokens(cipher, grant, grant.sealedTokens),
  };
}

export function actorOf(organizationId: OrganizationId): Actor {
  return { caller: bootstrapCaller, organizationId, trace: { requestId: null, address: null } };
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
      ...someSettings({
        authorizationUrl: 'https://provider.test/authorize',
        tokenUrl: 'https://provider.test/token',
        revocationUrl: 'https://provider.test/revoke',
        // Organisations import grants below the global connections of the tests.
        allowImport: true,
      }),
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
    tokenResponse: null,
    verify: false,
    ...tokens,
  };
}

/** Starts and opens an authorization, and returns the callback that brings its code. */
export async function walkToCallback(
  broker: MemoryBroker,
  organizationId: OrganizationId,
  start: {
    subject?: string;
    accountId?: string;
    allowAccountChange?: boolean;
    expectedAccount?: ExpectedAccount;
    bindingChallenge?: string;
    returnUrl?: string;
    clientState?: string;
  } = {},
) {
  const { state } = await broker.startAuthorization(actorOf(organizationId), 'crm', {
    ...plainStart,
    ...start,
  });
  await broker.openAuthorization(state, { browserId: 'browser', heldIds: [], hasGoneOn: false });
  return {
    state,
    hit: {
      organizationId: broker.rows.connections.values().next().value?.organizationId ?? null,
      connectionName: 'crm',
      parameters: new URLSearchParams({ code: 'the-code', state }),
      browserIds: ['browser'],
      requestId: null,
      address: null,
    },
  };
}
