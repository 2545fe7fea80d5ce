import { type CryptoKey, createLocalJWKSet, errors, type JWTHeaderParameters } from 'jose';
import { BrokerError } from '../../domain/errors.ts';
import type { FetchIssuerKeys } from './fetch-issuer-keys.ts';

/** The keys of one issuer, as this process has them. */
export interface IssuerKeys {
  /**
   * Returns the number of the key set while it is fresh, else undefined. It changes with the keys. Reads them in the
   * background shortly before they are no longer fresh.
   */
  freshVersion(): number | undefined;
  /**
   * Finds the key of a token, with the number of its key set. Reads the keys again if they have no such key. Returns
   * undefined if the issuer publishes none. Throws service_unavailable if the process has no keys that it may use.
   */
  find(header: JWTHeaderParameters): Promise<FoundKey | undefined>;
}

export interface FoundKey {
  key: CryptoKey;
  /** Number of the key set that has the key. */
  version: number;
}

interface HeldKeys {
  find: ReturnType<typeof createLocalJWKSet>;
  /** The set as JSON. */
  text: string;
  /** Grows with each other set. */
  version: number;
  readAt: number;
}

export interface IssuerKeysDeps {
  fetchKeys: FetchIssuerKeys;
  /** Milliseconds of a clock that never goes back. */
  elapsed: () => number;
  onRead: (keys: number) => void;
  onFailure: (error: unknown) => void;
}

const minuteMs = 60_000;
/** Age from which keys are read again in the background, so that busy callers never wait. */
const readAheadMs = 5 * minuteMs;
/** Age from which a token waits for the keys to be read. A key that the issuer retires is accepted no longer than this. */
const freshMs = 10 * minuteMs;
/** Age up to which keys are used while the issuer cannot be read. Beyond it a retired key would be accepted too long. */
const usableMs = 24 * 60 * minuteMs;
/** Least time between two reads. Tokens with made-up key ids cause one read in this time, not one each. */
const coolDownMs = 30_000;

export function createIssuerKeys({ fetchKeys, elapsed, onRead, onFailure }: IssuerKeysDeps): IssuerKeys {
  let held: HeldKeys | null = null;
  let attemptedAt = Number.NEGATIVE_INFINITY;
  let hasFailed = false;
  let pending: Promise<void> | null = null;

  const age = () => (held === null ? Number.POSITIVE_INFINITY : elapsed() - held.readAt);

  async function attempt(): Promise<void> {
    try {
      const keys = await fetchKeys();
      const text = JSON.stringify(keys);
      const isNews = held?.text !== text || hasFailed;
      const version = (held?.version ?? 0) + (held?.text === text ? 0 : 1);
      // The whole set is replaced: a key that is no longer published is forgotten.
      held = { find: createLocalJWKSet(keys), text, version, readAt: elapsed() };
      hasFailed = false;
      if (isNews) onRead(keys.keys.length);
    } catch (error) {
      hasFailed = true;
      onFailure(error);
    }
  }

  /** Reads the keys, at most once in the cool-down. Concurrent calls share one read. Never rejects. */
  function read(): Promise<void> {
    if (pending !== null) return pending;
    if (elapsed() - attemptedAt < coolDownMs) return Promise.resolve();
    attemptedAt = elapsed();
    pending = attempt().finally(() => {
      pending = null;
    });
    return pending;
  }

  async function keyOf(header: JWTHeaderParameters): Promise<FoundKey | undefined> {
    if (held === null) return undefined;
    // The number belongs to the set that has the key: a read may replace the set meanwhile.
    const { find, version } = held;
    try {
      return { key: await find(header), version };
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return undefined;
      throw error;
    }
  }

  return {
    freshVersion() {
      if (age() >= readAheadMs) void read();
      return age() < freshMs ? held?.version : undefined;
    },

    async find(header) {
      if (age() >= readAheadMs) {
        const reading = read();
        // While an issuer is down, its tokens do not wait for each further attempt.
        if (age() >= usableMs || (age() >= freshMs && !hasFailed)) await reading;
      }
      if (age() >= usableMs) throw unavailable();
      const found = await keyOf(header);
      if (found !== undefined) return found;
      await read();
      return keyOf(header);
    },
  };
}

function unavailable(): BrokerError<'service_unavailable'> {
  return BrokerError.with('service_unavailable', "The keys of the token's issuer cannot be read.", {
    retry_after: coolDownMs / 1000,
  });
}
