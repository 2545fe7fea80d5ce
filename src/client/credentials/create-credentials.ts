import type { Settings } from '../settings.ts';
import { untilAborted } from '../transport/time-limit.ts';
import type { Credential, Explanation, RenewedCredential } from '../types/credential.ts';
import type { CredentialCache } from './credential-cache.ts';
import type { CredentialCalls } from './fetch-credential.ts';
import { type CredentialOptions, readSelection, type Selection, selectionKey } from './selection.ts';

export interface Credentials {
  /** Returns a valid access token, from memory while it is fresh. */
  credential(name: string, options?: CredentialOptions): Promise<Credential>;
  /** Reports a token that the provider's API rejected with 401, and returns the token to use instead. */
  renew(name: string, rejectedToken: string, options?: CredentialOptions): Promise<RenewedCredential>;
  /** Tells what a fetch would answer, and why. Calls no provider and returns no token. */
  explain(name: string, options?: CredentialOptions): Promise<Explanation>;
}

/** The cache may serve several clients of one broker and key: its keys name the organisation. */
export function createCredentials(
  { organization }: Pick<Settings, 'organization'>,
  calls: CredentialCalls,
  cache: CredentialCache,
): Credentials {
  const keyOf = (selection: Selection) => selectionKey(organization, selection);

  async function renewOnce(selection: Selection, rejectedToken: string): Promise<RenewedCredential> {
    const key = keyOf(selection);
    try {
      const renewed = await calls.renew(selection, rejectedToken);
      const { renewed: _, ...credential } = renewed;
      if (renewed.access_token !== rejectedToken) {
        cache.forgetToken(rejectedToken);
        cache.put(key, selection.minTtlSeconds, credential);
      }
      return renewed;
    } catch (error) {
      // The next fetch must ask the broker, which knows whether the token still counts.
      cache.forgetToken(rejectedToken);
      throw error;
    }
  }

  return {
    async credential(name, options = {}) {
      const selection = readSelection(name, options);
      options.signal?.throwIfAborted();
      const served = cache.get(keyOf(selection), selection.minTtlSeconds, () => calls.fetch(selection));
      return untilAborted(served, options.signal);
    },
    async renew(name, rejectedToken, options = {}) {
      const selection = readSelection(name, options);
      options.signal?.throwIfAborted();
      const key = JSON.stringify(['renew', keyOf(selection), rejectedToken]);
      const renewed = cache.share(key, () => renewOnce(selection, rejectedToken));
      return structuredClone(await untilAborted(renewed, options.signal));
    },
    async explain(name, options = {}) {
      return calls.explain(readSelection(name, options), options.signal);
    },
  };
}
