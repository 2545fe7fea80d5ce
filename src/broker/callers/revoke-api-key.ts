import { privilegesBeyond } from '../../domain/callers/api-key.ts';
import type { Caller, Trace } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { ApiKeyStore } from '../../domain/ports/callers.ts';
import { apiKeyEvent } from './api-key-event.ts';

/**
 * Revokes an API key at once, in every process; with cascade also the keys that it made, and theirs. Throws not_found, also
 * for a key that exceeds the caller.
 */
export type RevokeApiKey = (caller: Caller, id: string, options: { cascade: boolean }, trace: Trace) => Promise<void>;

export interface RevokeApiKeyDeps {
  store: Pick<ApiKeyStore, 'find' | 'revoke'>;
  clock: () => Date;
}

export function createRevokeApiKey({ store, clock }: RevokeApiKeyDeps): RevokeApiKey {
  return async (caller, id, { cascade }, trace) => {
    const key = await store.find(id);
    if (key === undefined || privilegesBeyond(caller, key).length > 0) throw noSuchKey();
    const now = clock();
    const revoked = await store.revoke(id, {
      reach: caller,
      cascade,
      now,
      eventOf: (each) => apiKeyEvent('api_key.revoked', caller, each, trace, now),
    });
    if (revoked.length === 0) throw noSuchKey();
  };
}

function noSuchKey(): BrokerError {
  return BrokerError.of('not_found', 'There is no such key.');
}
