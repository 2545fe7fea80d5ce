import { type ApiKey, excessOver } from '../domain/api-key.ts';
import type { Caller } from '../domain/caller.ts';
import type { ApiKeyStore } from '../domain/ports/callers.ts';

/** Those within the caller's permissions, organisations and connections. */
export type ListApiKeys = (caller: Caller) => Promise<ApiKey[]>;

export function createListApiKeys({ store }: { store: Pick<ApiKeyStore, 'list'> }): ListApiKeys {
  return async (caller) => (await store.list(caller)).filter((key) => excessOver(caller, key).length === 0);
}
