import { createPersistRefreshed } from '../../src/broker/persist-refreshed.ts';
import { createCallProvider } from '../../src/broker/refresh-call.ts';
import { createRefreshGrant } from '../../src/broker/refresh-grant.ts';
import { sealTokens } from '../../src/broker/sealing.ts';
import { createTokens } from '../../src/crypto/tokens.ts';
import type { ConnectionSettings } from '../../src/domain/connection.ts';
import type { TokenFacts } from '../../src/domain/grant.ts';
import { ProviderFailure, type ProviderFailureFacts } from '../../src/domain/provider-failure.ts';
import { Secret } from '../../src/domain/secret.ts';
import type { TokenAnswer, TokenSet } from '../../src/domain/token-set.ts';
import { createMemoryCipher } from './memory-cipher.ts';
import { aConnection, anArrival, minutesFromNow, type TestStores, tokensUntil } from './postgres-fixtures.ts';

/** A provider of which every refresh is answered by `answer`, and counted. */
export interface CountingProvider {
  answer: (held: TokenSet | null) => Promise<TokenAnswer>;
  /** Refresh tokens it was shown, in order; empty strings for a client's own credentials. */
  spent: string[];
}

export function createCountingProvider(answer: CountingProvider['answer']): CountingProvider {
  return { answer, spent: [] };
}

export function tokenSet(accessToken: string, refreshToken: string | null): TokenSet {
  return {
    accessToken: new Secret(accessToken),
    refreshToken: refreshToken === null ? null : new Secret(refreshToken),
    tokenType: 'Bearer',
    extra: {},
  };
}

export function anAnswer(accessToken: string, refreshToken: string | null): TokenAnswer {
  return {
    tokens: tokenSet(accessToken, refreshToken),
    lifetimeSeconds: 3600,
    refreshLifetimeSeconds: null,
    scopes: null,
    account: null,
  };
}

export function aFailure(facts: Partial<ProviderFailureFacts>): ProviderFailure {
  return new ProviderFailure('it failed', {
    class: 'transient',
    sent: true,
    answered: true,
    oauthError: null,
    httpStatus: null,
    retryAfterMs: null,
    ...facts,
  });
}

export const cipher = createMemoryCipher();

/** The refresh engine of one process, on shared stores. */
export function createEngine(stores: TestStores, provider: CountingProvider, { leaseMs = 30_000 } = {}) {
  const tokens = createTokens();
  const clock = () => new Date();
  const store = stores.refreshes;
  const call = (held: TokenSet | null) => {
    provider.spent.push(held?.refreshToken?.reveal() ?? '');
    return provider.answer(held);
  };
  const { persist, settled } = createPersistRefreshed({
    store,
    spool: { put: async () => {}, list: async () => [], remove: async () => {} },
    sleep: async () => undefined,
    onError: () => {},
  });
  const callProvider = createCallProvider({
    store,
    persist,
    oauth: { refresh: (_client, held) => call(held), requestClientCredentials: () => call(null) },
    catalogue: { find: () => undefined },
    cipher,
    clock,
  });
  return createRefreshGrant({
    store,
    signals: stores.signals,
    callProvider,
    settled,
    clock,
    instanceId: tokens.random(16),
    newNonce: () => tokens.random(16),
    leaseMs,
  });
}

export interface StoredGrantOptions {
  settings?: Partial<ConnectionSettings>;
  facts?: Partial<TokenFacts>;
  expiresAt?: Date;
}

/** A connection with one completed grant that holds `at-0` and `rt-0`; expired unless told otherwise. */
export async function storeRefreshableGrant(stores: TestStores, name: string, options: StoredGrantOptions = {}) {
  const connection = { ...aConnection('acme', name, options.settings ?? {}), sealedClientSecrets: null };
  const id = createId();
  const stored = tokensUntil(options.expiresAt ?? minutesFromNow(-1), options.facts ?? {});
  const sealed = sealTokens(cipher, { id, organizationId: 'acme' }, tokenSet('at-0', 'rt-0'));
  await stores.database.write('acme', async ({ connections, grants }) => {
    await connections.insert(connection);
    await grants.insert(id, anArrival(connection, { tokens: { ...stored, sealed } }));
  });
  return { connection, id };
}

function createId(): string {
  return aConnection(null, 'id').id;
}
