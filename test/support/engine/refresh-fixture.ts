import { createRefreshEngines } from '../../../src/broker/assembly/create-refresh-engines.ts';
import { sealTokens } from '../../../src/broker/sealing.ts';
import { createTokens, newId } from '../../../src/crypto/tokens.ts';
import type { ConnectionSettings } from '../../../src/domain/connections/connection.ts';
import type { TokenMetadata } from '../../../src/domain/grants/grant.ts';
import type { TokenResponse, TokenSet } from '../../../src/domain/grants/token-set.ts';
import type { RefreshFailure } from '../../../src/domain/ports/engine.ts';
import type { OAuthGateway } from '../../../src/domain/ports/oauth.ts';
import type { Spool } from '../../../src/domain/ports/spool.ts';
import { aConnection } from '../builders/connection.ts';
import { anArrival, minutesFromNow, tokensUntil } from '../builders/grant.ts';
import { aTokenSet } from '../builders/provider.ts';
import { createMemoryCipher } from '../memory/cipher.ts';
import { createMemorySpool } from '../memory/spool.ts';
import type { TestStores } from '../postgres/stores.ts';

/** A provider that answers every refresh with `respond` and records the tokens. */
export interface CountingProvider {
  respond: (held: TokenSet | null) => Promise<TokenResponse>;
  /** Refresh tokens of the calls, in order. An empty string for client credentials. */
  spent: string[];
}

export function createCountingProvider(respond: CountingProvider['respond']): CountingProvider {
  return { respond, spent: [] };
}

export const cipher = createMemoryCipher();

/** The refresh engine of one process, on shared stores. */
export function createEngine(
  stores: TestStores,
  provider: CountingProvider,
  options: {
    leaseMs?: number;
    refresh?: OAuthGateway['refresh'];
    clock?: () => Date;
    onRefreshFailure?: (failure: RefreshFailure) => void;
    spool?: Spool;
    sleep?: (ms: number) => Promise<void>;
    instanceId?: string;
  } = {},
) {
  const { leaseMs = 30_000, refresh, clock = () => new Date(), onRefreshFailure = () => {} } = options;
  const tokens = createTokens();
  const call = (held: TokenSet | null) => {
    provider.spent.push(held?.refreshToken?.reveal() ?? '');
    return provider.respond(held);
  };
  const { main, engineOf, replay } = createRefreshEngines(
    {
      ...stores,
      spool: options.spool ?? createMemorySpool(),
      sleep: options.sleep ?? (async () => undefined),
      ended: new AbortController().signal,
      clock,
      cipher,
      tokens,
      oauth: { refresh: refresh ?? ((_client, held) => call(held)), requestClientCredentials: () => call(null) },
      catalogue: { find: () => undefined, list: () => [], detect: () => undefined },
      onBackgroundError: () => {},
      onRefreshFailure,
      onRefreshEnd: () => {},
    },
    { callsTokenEndpoints: true, leaseMs, instanceId: options.instanceId ?? tokens.random(16) },
  );
  return { ...main, engineOf, replay };
}

export interface StoredGrantOptions {
  settings?: Partial<ConnectionSettings>;
  metadata?: Partial<TokenMetadata>;
  expiresAt?: Date;
  /** Second token sets. */
  siblings?: NonNullable<TokenSet['siblings']>;
}

/** Stores a connection with one completed grant that has tokens `at-0` and `rt-0`. Expired by default. */
export async function storeRefreshableGrant(stores: TestStores, name: string, options: StoredGrantOptions = {}) {
  const connection = { ...aConnection('acme', name, options.settings ?? {}), sealedClientSecrets: null };
  const id = newId();
  const stored = tokensUntil(options.expiresAt ?? minutesFromNow(-1), options.metadata ?? {});
  const sealed = sealTokens(
    cipher,
    { id, organizationId: 'acme' },
    {
      ...aTokenSet('at-0', 'rt-0'),
      ...(options.siblings && { siblings: options.siblings }),
    },
  );
  await stores.database.write('acme', async ({ connections, grants }) => {
    await connections.insert(connection);
    await grants.insert(id, anArrival(connection, { tokens: { ...stored, sealed } }));
  });
  return { connection, id };
}
