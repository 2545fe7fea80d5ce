import { LRUCache } from 'lru-cache';
import type { ApiKey } from '../domain/api-key.ts';
import type { ApiKeyStore } from '../domain/ports/callers.ts';
import { channels } from './channels.ts';
import type { Listener } from './listener.ts';
import { ownBytes } from './own-bytes.ts';

export interface CachedApiKeys extends ApiKeyStore {
  /** What is in memory, the same object for as long as it is kept; undefined where the key has to be read. */
  recall(id: string): ApiKey | undefined;
  /** Remembers a use, to be written with others. */
  noteUse(id: string): void;
  /** Writes what was noted. Best effort. */
  flush(): Promise<void>;
}

export interface CachedApiKeysDeps {
  store: ApiKeyStore;
  listener: Pick<Listener, 'subscribe' | 'onChange' | 'isUp'>;
  clock: () => Date;
}

const mostKeys = 10_000;

/**
 * Keys in memory, so that a request costs no statement to authenticate. A revocation reaches every process by
 * notification; while notifications may be missed, nothing is cached.
 */
export function createCachedApiKeys({ store, listener, clock }: CachedApiKeysDeps): CachedApiKeys {
  const keys = new LRUCache<string, ApiKey>({ max: mostKeys });
  const used = new Set<string>();
  let generation = 0;

  function forget(id: string): void {
    generation += 1;
    keys.delete(id);
  }

  const recall = (id: string) => (listener.isUp() ? keys.get(id) : undefined);

  listener.subscribe(channels.apiKeyChanged, ({ api_key_id }) => forget(api_key_id));
  listener.onChange(() => {
    generation += 1;
    keys.clear();
  });

  return {
    ...store,
    recall,

    async find(id) {
      const cached = recall(id);
      if (cached !== undefined) return cached;
      const before = generation;
      const key = await store.find(id);
      // A notification that arrived while the row was read may be about this very key.
      if (key === undefined || !listener.isUp() || generation !== before) return key;
      const kept = { ...key, secretHash: ownBytes(key.secretHash) };
      keys.set(id, kept);
      return kept;
    },

    async revoke(id, reach, now) {
      const revoked = await store.revoke(id, reach, now);
      // Here it ends before the revocation is answered; elsewhere with the notification.
      forget(id);
      return revoked;
    },

    noteUse: (id) => void used.add(id),

    async flush() {
      if (used.size === 0) return;
      const ids = [...used];
      used.clear();
      await store.touch(ids, clock());
    },
  };
}
