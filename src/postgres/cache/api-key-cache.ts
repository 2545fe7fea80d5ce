import { LRUCache } from 'lru-cache';
import type { ApiKey } from '../../domain/callers/api-key.ts';
import type { ApiKeyStore } from '../../domain/ports/callers.ts';
import { channels } from '../notify/channels.ts';
import type { Listener } from '../notify/listener.ts';
import { ownBytes } from './own-bytes.ts';

export interface CachedApiKeys extends ApiKeyStore {
  /** Returns a key that is in memory, without a statement. */
  recall(id: string): ApiKey | undefined;
  /** Records a use in memory; `flush` writes it. */
  noteUse(id: string): void;
  /** Writes the recorded uses. Best effort: uses are lost with a killed process. */
  flush(): Promise<void>;
}

export interface CachedApiKeysDeps {
  store: ApiKeyStore;
  listener: Pick<Listener, 'subscribe' | 'onChange' | 'isUp'>;
  clock: () => Date;
}

/** Cached keys, about a kilobyte each. Beyond it the least recently used key is read from the database again. */
const maxKeys = 10_000;

/**
 * Caches API keys: authentication costs no statement. A revocation reaches every process by notification. Caches nothing
 * while the listener is down.
 */
export function createCachedApiKeys({ store, listener, clock }: CachedApiKeysDeps): CachedApiKeys {
  const keys = new LRUCache<string, ApiKey>({ max: maxKeys });
  const used = new Set<string>();
  let generation = 0;

  function forget(id: string): void {
    generation += 1;
    keys.delete(id);
  }

  listener.subscribe(channels.apiKeyChanged, ({ api_key_id }) => forget(api_key_id));
  listener.onChange(() => {
    generation += 1;
    keys.clear();
  });

  const recall = (id: string) => (listener.isUp() ? keys.get(id) : undefined);

  return {
    ...store,
    recall,

    async find(id) {
      const cached = recall(id);
      if (cached !== undefined) return cached;
      const before = generation;
      const key = await store.find(id);
      // A notification that arrived during the read may be about this key.
      if (key === undefined || !listener.isUp() || generation !== before) return key;
      keys.set(id, { ...key, secretHash: ownBytes(key.secretHash) });
      return key;
    },

    async revoke(id, revocation) {
      const revoked = await store.revoke(id, revocation);
      // In this process the keys end before the revocation is answered, in others with the notification.
      for (const key of revoked) forget(key.id);
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
