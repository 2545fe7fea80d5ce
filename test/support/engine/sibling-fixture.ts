import { vi } from 'vitest';
import { openTokens } from '../../../src/broker/sealing.ts';
import type { Sibling } from '../../../src/domain/grants/grant.ts';
import type { TokenResponse, TokenSet } from '../../../src/domain/grants/token-set.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createPostgres } from '../../../src/postgres/postgres.ts';
import { aSibling, minutesFromNow } from '../builders/grant.ts';
import { aTokenResponse } from '../builders/provider.ts';
import { openTestStores, type TestStores } from '../postgres/stores.ts';
import { cipher, createEngine, storeRefreshableGrant } from './refresh-fixture.ts';

/** Longer than any test: no lease lapses. */
export const never = 600_000;

/** Processes on one database, each with its own connections. */
export async function openProcesses(count: number): Promise<TestStores[]> {
  const first = await openTestStores();
  const others = Array.from({ length: count - 1 }, () => {
    const postgres = createPostgres({ connectionString: first.url, poolMax: 5, onError: () => {} });
    return { ...postgres, url: first.url, end: () => postgres.close() };
  });
  const processes = [first, ...others];
  for (const { listener } of processes) listener.start();
  await vi.waitUntil(() => processes.every(({ listener }) => listener.isUp()), { timeout: 10_000, interval: 10 });
  return processes;
}

/**
 * A provider that rotates refresh tokens, `rt-0` to `rt-1` and so on, the user's likewise from `urt-0`. It refuses a
 * spent refresh token and keeps the order of the calls.
 */
export function createRotatingPair() {
  const current = new Map([
    ['rt', 0],
    ['urt', 0],
  ]);
  const provider = {
    spent: [] as string[],
    /** Runs before each response. */
    before: async (_sent: string): Promise<void> => undefined,
    respond: async (held: TokenSet | null): Promise<TokenResponse> => {
      const sent = held?.refreshToken?.reveal() ?? '';
      await provider.before(sent);
      const [kind = '', number = ''] = sent.split('-');
      if (current.get(kind) !== Number(number)) throw new Error(`${sent} was spent before`);
      const next = Number(number) + 1;
      current.set(kind, next);
      return aTokenResponse(`${kind === 'rt' ? 'at' : 'uat'}-${next}`, `${kind}-${next}`);
    },
  };
  return provider;
}

/** Stores a grant with the second token set `user`: tokens `uat-0` and `urt-0`. Both have expired by default. */
export async function storePair(stores: TestStores, name: string, user: Partial<Sibling> = {}, expiresAt?: Date) {
  const metadata = { expiresAt: expiresAt ?? minutesFromNow(-1) };
  return storeRefreshableGrant(stores, name, {
    ...metadata,
    metadata: { siblings: { user: aSibling(user, metadata) } },
    siblings: { user: { accessToken: new Secret('uat-0'), refreshToken: new Secret('urt-0'), tokenType: 'Bearer' } },
  });
}

/** Opens all tokens of a grant. */
export async function tokensOf(stores: TestStores, id: string) {
  const grant = (await stores.refreshes.find(id))?.grant;
  if (!grant?.sealedTokens) throw new Error('no tokens');
  const { accessToken, refreshToken, siblings } = openTokens(cipher, grant, grant.sealedTokens);
  const { user } = siblings ?? {};
  return {
    grant,
    user: grant.metadata?.siblings?.user,
    tokens: [accessToken, refreshToken, user?.accessToken, user?.refreshToken].map((one) => one?.reveal()),
  };
}

export function engineOn(
  stores: TestStores,
  provider: ReturnType<typeof createRotatingPair>,
  options: Parameters<typeof createEngine>[2] = {},
) {
  const engine = createEngine(stores, provider, { leaseMs: never, ...options });
  return { ...engine, user: engine.engineOf('user') };
}
