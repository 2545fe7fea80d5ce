import { createAuthenticateCaller } from '../callers/authenticate-caller.ts';
import { createCreateApiKey } from '../callers/create-api-key.ts';
import { createListApiKeys } from '../callers/list-api-keys.ts';
import { createRevokeApiKey } from '../callers/revoke-api-key.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';

/** Builds the use cases that authenticate callers and manage API keys. */
export function createCallers(
  { apiKeys: store, recallApiKey, noteKeyUse: noteUse, workloadTokens, tokens, newId, clock, sleep }: BrokerPorts,
  { bootstrapKey }: BrokerSettings,
) {
  return {
    authenticateCaller: createAuthenticateCaller({
      findApiKey: store.find,
      recallApiKey,
      noteUse,
      workloadTokens,
      tokens,
      bootstrapKey,
      clock,
      sleep,
    }),
    createApiKey: createCreateApiKey({ store, tokens, newId, clock }),
    listApiKeys: createListApiKeys({ store }),
    revokeApiKey: createRevokeApiKey({ store, clock }),
  };
}
