import type { Connection } from '../domain/connection.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { OAuthGateway, ProbeResult, ProviderCatalogue } from '../domain/ports/oauth.ts';
import type { CheckableGrant, HealthRecord, HealthStore } from '../domain/ports/upkeep.ts';
import { ProviderFailure } from '../domain/provider-failure.ts';
import { isExpired } from '../domain/refresh-policy.ts';
import { openClient, openTokens } from './sealing.ts';

/**
 * Asks providers whether the live tokens work, and records what they say; it refreshes nothing and fails no grant.
 * Rejects where `signal` says that this process ends; whoever begins again leaves out what is done.
 */
export type CheckHealth = (signal: AbortSignal) => Promise<{ healthy: number; unhealthy: number }>;

export interface CheckHealthDeps {
  health: HealthStore;
  oauth: Pick<OAuthGateway, 'probe'>;
  catalogue: Pick<ProviderCatalogue, 'list'>;
  cipher: Cipher;
  clock: () => Date;
  intervalMs: number;
  /** A grant could not be looked at, for a reason of ours. */
  onError: (error: unknown) => void;
}

type Verdict = Pick<HealthRecord, 'health' | 'error'>;

const pageSize = 200;
const parallel = 8;

export function createCheckHealth(deps: CheckHealthDeps): CheckHealth {
  const { health, catalogue, clock, intervalMs } = deps;
  return async (signal) => {
    const since = new Date(clock().getTime() - intervalMs / 2);
    const providers = catalogue.list().flatMap(({ id, test }) => (test === null ? [] : [id]));
    const report = { healthy: 0, unhealthy: 0 };
    let after: string | null = null;
    do {
      const page: Awaited<ReturnType<HealthStore['unchecked']>> = await health.unchecked({
        since,
        providers,
        after,
        limit: pageSize,
      });
      const records = await judgeAll(deps, page, signal);
      await health.record(records, clock());
      for (const record of records) report[record.health] += 1;
      signal.throwIfAborted();
      after = page.at(-1)?.grant.id ?? null;
    } while (after !== null);
    return report;
  };
}

async function judgeAll(
  deps: CheckHealthDeps,
  page: Awaited<ReturnType<HealthStore['unchecked']>>,
  signal: AbortSignal,
): Promise<HealthRecord[]> {
  const records: HealthRecord[] = [];
  const waiting = page.values();
  async function judgeNext(): Promise<void> {
    for (const { grant, connection } of waiting) {
      if (signal.aborted) return;
      try {
        const verdict = await judge(deps, grant, connection);
        if (verdict !== undefined) records.push({ grantId: grant.id, version: grant.version, ...verdict });
      } catch (error) {
        deps.onError(error);
      }
    }
  }
  await Promise.all(Array.from({ length: parallel }, judgeNext));
  return records;
}

/** Undefined where nothing can be said: what is on record stays. */
async function judge(
  { oauth, cipher, clock }: CheckHealthDeps,
  grant: CheckableGrant,
  connection: Connection,
): Promise<Verdict | undefined> {
  if (grant.status === 'failed') return unhealthy('failed', grant.statusReason ?? 'The connection has failed.');
  if (grant.sealedTokens === null || grant.facts === null) return undefined;
  if (isExpired(grant.facts, clock())) {
    // One that can be refreshed will be, by the sweep or its next reader; a check spends no refresh token.
    return grant.facts.refreshable ? undefined : unhealthy('expired', 'There is nothing to refresh the token with.');
  }
  try {
    const tokens = openTokens(cipher, grant, grant.sealedTokens);
    return verdictOf(await oauth.probe(openClient(cipher, connection), tokens));
  } catch (error) {
    if (!(error instanceof ProviderFailure)) throw error;
    return unhealthy('unreachable', error.message);
  }
}

/** Told apart by the first word: a token that was refused needs a person, a provider that is away needs time. */
function verdictOf({ result, message, httpStatus }: ProbeResult): Verdict | undefined {
  if (result === 'skipped') return undefined;
  if (result === 'success') return { health: 'healthy', error: null };
  if (httpStatus === null) return unhealthy('unreachable', message);
  return unhealthy(httpStatus === 429 || httpStatus >= 500 ? 'unavailable' : 'rejected', message);
}

function unhealthy(kind: 'rejected' | 'unreachable' | 'unavailable' | 'expired' | 'failed', message: string): Verdict {
  return { health: 'unhealthy', error: `${kind}: ${message}` };
}
