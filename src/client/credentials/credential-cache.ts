import { TokenBrokerError, Unavailable } from '../errors.ts';
import type { Credential } from '../types/credential.ts';

/** Longest time in milliseconds before the expiry at which a token is replaced. */
const maxMarginMs = 60_000;
/** Share of the remaining lifetime, for tokens that live less than ten minutes. */
const marginShare = 0.1;
/** Time in milliseconds for which a token without a known expiry is kept. */
const unknownExpiryMs = 60_000;
/** Pause in milliseconds after a failed refetch, while the old token is served without a call. */
const pauseMs = 5000;
/** Credentials kept at once, about 20 MB. The one that was used longest ago goes first. */
const maxEntries = 10_000;

interface Entry {
  credential: Credential;
  /** From this time on, a call fetches a new credential. */
  refetchAt: number;
  /** Until this time the token may be served when the fetch fails. */
  livesUntil: number;
}

/** Keeps credentials in memory, and runs one fetch at a time for each key. */
export interface CredentialCache {
  /** Returns the kept credential, or fetches one. `minTtlSeconds`: how long it must live when it is served. */
  get(key: string, minTtlSeconds: number, fetch: () => Promise<Credential>): Promise<Credential>;
  /** Keeps a credential that was obtained elsewhere. */
  put(key: string, minTtlSeconds: number, credential: Credential): void;
  /** Forgets every kept credential with this access token. */
  forgetToken(accessToken: string): void;
  /** Runs one piece of work at a time for each key; callers that come meanwhile share its result. */
  share<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createCredentialCache(): CredentialCache {
  const entries = new Map<string, Entry>();
  const running = new Map<string, Promise<unknown>>();

  function put(key: string, minTtlSeconds: number, credential: Credential): void {
    entries.delete(key);
    entries.set(key, toEntry(credential, minTtlSeconds, Date.now()));
    const [oldest] = entries.keys();
    if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest);
  }

  function share<T>(key: string, work: () => Promise<T>): Promise<T> {
    const shared = running.get(key);
    // The same key always runs the same kind of work.
    if (shared !== undefined) return shared as Promise<T>;
    const started = work().finally(() => running.delete(key));
    running.set(key, started);
    return started;
  }

  async function refetch(key: string, minTtlSeconds: number, fetch: () => Promise<Credential>): Promise<Credential> {
    try {
      const credential = await fetch();
      put(key, minTtlSeconds, credential);
      return credential;
    } catch (error) {
      // Read after the fetch: a reported token has been forgotten meanwhile.
      const entry = entries.get(key);
      if (entry !== undefined && isOutage(error) && Date.now() < entry.livesUntil) {
        entry.refetchAt = Date.now() + pauseMs;
        return entry.credential;
      }
      entries.delete(key);
      throw error;
    }
  }

  return {
    put,
    share,
    async get(key, minTtlSeconds, fetch) {
      const entry = entries.get(key);
      const now = Date.now();
      if (entry === undefined || now >= entry.refetchAt || now >= entry.livesUntil) {
        return structuredClone(await share(key, () => refetch(key, minTtlSeconds, fetch)));
      }
      entries.delete(key);
      entries.set(key, entry);
      // A copy: a caller that changes its credential must not change that of others.
      return structuredClone(entry.credential);
    },
    forgetToken(accessToken) {
      for (const [key, { credential }] of entries) if (credential.access_token === accessToken) entries.delete(key);
    },
  };
}

function toEntry(credential: Credential, minTtlSeconds: number, now: number): Entry {
  if (credential.expires_at === null) {
    return { credential, refetchAt: now + unknownExpiryMs, livesUntil: Number.POSITIVE_INFINITY };
  }
  const expiresAt = Date.parse(credential.expires_at);
  const margin = Math.min(maxMarginMs, marginShare * Math.max(0, expiresAt - now));
  const livesUntil = expiresAt - minTtlSeconds * 1000;
  return { credential, refetchAt: Math.min(expiresAt - margin, livesUntil), livesUntil };
}

/** Whether the fetch failed without a decision about the credential. A refusal must not be hidden by an old token. */
function isOutage(error: unknown): boolean {
  return error instanceof Unavailable || (error instanceof TokenBrokerError && error.code === 'internal_error');
}
