import { excessOver } from '../domain/api-key.ts';
import type { Caller, Trace } from '../domain/caller.ts';
import { BrokerError } from '../domain/errors.ts';
import type { ApiKeyStore } from '../domain/ports/callers.ts';
import { apiKeyEvent } from './api-key-event.ts';

/** Takes effect at once, in every process. Throws not_found, also for a key that exceeds the caller. */
export type RevokeApiKey = (caller: Caller, id: string, trace: Trace) => Promise<void>;

export interface RevokeApiKeyDeps {
  store: Pick<ApiKeyStore, 'find' | 'revoke' | 'appendAudit'>;
  clock: () => Date;
}

export function createRevokeApiKey({ store, clock }: RevokeApiKeyDeps): RevokeApiKey {
  return async (caller, id, trace) => {
    const key = await store.find(id);
    const now = clock();
    if (key === undefined || excessOver(caller, key).length > 0 || !(await store.revoke(id, caller, now))) {
      throw BrokerError.of('not_found', 'There is no such key.');
    }
    await store.appendAudit(apiKeyEvent('api_key.revoked', caller, key, trace, now));
  };
}
