import type { ApiKey } from '../../domain/callers/api-key.ts';
import { isBrokerError } from '../../domain/errors.ts';

/** Finds API keys for routes that answer without the database. */
export interface RememberedKeys {
  /** Reads the key, or returns what an earlier read said if the database does not reply. */
  find(id: string): Promise<ApiKey | undefined>;
  /** Remembers a key that a caller has proven. */
  remember(key: ApiKey): void;
}

export interface RememberedKeysDeps {
  findApiKey: (id: string) => Promise<ApiKey | undefined>;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  clock: () => Date;
}

/**
 * Milliseconds for which a key outlasts its database, one hour. In that time a process that cannot reach the database
 * does not learn of a revocation. After it, an outage is no longer visible to a monitor with this key.
 */
const rememberedForMs = 60 * 60_000;
/** Keys of monitors. Beyond it the oldest is forgotten: its monitor sees an outage as a failed scrape. */
const maxRemembered = 20;
/** Milliseconds after which the database counts as silent. A monitor gives up on a response after 10 seconds. */
const patienceMs = 2_000;

export function createRememberedKeys({ findApiKey, sleep, clock }: RememberedKeysDeps): RememberedKeys {
  const remembered = new Map<string, { key: ApiKey; at: number }>();
  /** Keys that were returned without the database: they prove nothing new, and their hour must end. */
  const unproven = new WeakSet<ApiKey>();

  function recalled(key: ApiKey): ApiKey {
    const copy = { ...key };
    unproven.add(copy);
    return copy;
  }

  async function read(id: string): Promise<ApiKey | undefined> {
    const key = await findApiKey(id);
    if (key === undefined || key.revokedAt !== null) remembered.delete(id);
    return key;
  }

  return {
    async find(id) {
      const found = remembered.get(id);
      if (found === undefined || clock().getTime() - found.at > rememberedForMs) return read(id);
      const patience = new AbortController();
      try {
        const silence = sleep(patienceMs, patience.signal).then(() => recalled(found.key));
        return await Promise.race([read(id), silence]);
      } catch (error) {
        if (isBrokerError(error, 'service_unavailable')) return recalled(found.key);
        throw error;
      } finally {
        patience.abort();
      }
    },

    remember(key) {
      if (unproven.has(key)) return;
      remembered.delete(key.id);
      remembered.set(key.id, { key, at: clock().getTime() });
      const [oldest] = remembered.keys();
      if (remembered.size > maxRemembered && oldest !== undefined) remembered.delete(oldest);
    },
  };
}
