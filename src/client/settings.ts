import { baseUrlOf } from './transport/request-url.ts';

export interface TokenBrokerOptions {
  /** Address of the broker, with its base path if it has one. */
  url: string;
  /** API key or workload token, or a function that returns a current one. The function is called for each request. */
  key: string | (() => Promise<string>);
  /** Organisation of all calls. Without it the key decides: its only organisation, or the global scope. */
  organization?: string | undefined;
  /** Replaces the platform's fetch, for the broker and for the calls of fetchWith. */
  fetch?: typeof fetch | undefined;
  /** Milliseconds within which a call of the broker must end, retries included. 0: no limit. */
  timeoutMs?: number | undefined;
  /** Number of further attempts of calls that may be repeated. */
  retries?: number | undefined;
}

/** Checked options. */
export interface Settings {
  baseUrl: string;
  readKey: () => Promise<string>;
  organization: string | undefined;
  fetch: typeof fetch;
  timeoutMs: number;
  retries: number;
}

const defaults = { timeoutMs: 10_000, retries: 2 };

/** Checks the options. Throws a TypeError that names the wrong one and never repeats the key. */
export function readSettings(options: TokenBrokerOptions): Settings {
  const { key, organization, timeoutMs = defaults.timeoutMs, retries = defaults.retries } = options;
  if (organization === '') throw new TypeError('organization must not be empty; leave it out for the global scope');
  if (!(timeoutMs >= 0)) throw new TypeError('timeoutMs must be a number of milliseconds, or 0 for no limit');
  if (!Number.isInteger(retries) || retries < 0) throw new TypeError('retries must be a whole number, 0 or more');
  if (typeof key !== 'function') checkKey(key);
  return {
    baseUrl: baseUrlOf(options.url),
    readKey: async () => checkKey(typeof key === 'function' ? await key() : key),
    organization,
    // Called without a receiver: browsers refuse a fetch that is called as a method of another object.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    timeoutMs,
    retries,
  };
}

/** Removes surrounding white space, which a key read from a file has. The platform's own check would print the key. */
function checkKey(key: string): string {
  const trimmed = typeof key === 'string' ? key.trim() : '';
  if (!/^[\x21-\x7e]+$/.test(trimmed)) {
    throw new TypeError('key must be an API key or a token: printable ASCII without spaces');
  }
  return trimmed;
}
