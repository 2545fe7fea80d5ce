import { type ApiKey, privilegesBeyond } from '../../domain/callers/api-key.ts';
import type { Caller } from '../../domain/callers/caller.ts';
import type { ApiKeyStore } from '../../domain/ports/callers.ts';

/** Lists the keys within the caller's permissions, organisations and connections. */
export type ListApiKeys = (caller: Caller) => Promise<ApiKey[]>;

export function createListApiKeys({ store }: { store: Pick<ApiKeyStore, 'list'> }): ListApiKeys {
  return async (caller) => (await store.list(caller)).filter((key) => privilegesBeyond(caller, key).length === 0);
}
