import { LRUCache } from 'lru-cache';

export interface TaggedCacheLimits {
  max: number;
  /** Over all entries, in whatever unit the sizes are given. */
  maxSize: number;
  maxAgeMs: number;
}

/** A bounded cache whose entries are dropped by what they depend on. */
export interface TaggedCache<V> {
  get(key: string): V | undefined;
  set(key: string, value: V, options: { tags: readonly string[]; size: number }): void;
  drop(tag: string): void;
  clear(): void;
}

export interface TaggedCacheOptions extends TaggedCacheLimits {
  /** Told of each entry that goes, however it goes. */
  onGone: (key: string) => void;
}

interface Entry<V> {
  value: V;
  tags: readonly string[];
}

export function createTaggedCache<V>({ max, maxSize, maxAgeMs, onGone }: TaggedCacheOptions): TaggedCache<V> {
  // Most tags have one entry: a bare key costs a fraction of a set.
  const keysOf = new Map<string, string | Set<string>>();
  const entries = new LRUCache<string, Entry<V>>({
    max,
    maxSize,
    ttl: maxAgeMs,
    // Else the clock is read at every get.
    ttlResolution: 1_000,
    dispose: ({ tags }, key) => {
      for (const tag of tags) untag(tag, key);
      onGone(key);
    },
  });

  function tagWith(tag: string, key: string): void {
    const present = keysOf.get(tag);
    if (present === undefined) keysOf.set(tag, key);
    else if (typeof present !== 'string') present.add(key);
    else if (present !== key) keysOf.set(tag, new Set([present, key]));
  }

  function untag(tag: string, key: string): void {
    const present = keysOf.get(tag);
    if (present === key) keysOf.delete(tag);
    else if (present instanceof Set && present.delete(key) && present.size === 0) keysOf.delete(tag);
  }

  return {
    get: (key) => entries.get(key)?.value,
    set(key, value, { tags, size }) {
      // Its tags may be others than those of the entry it replaces.
      entries.delete(key);
      entries.set(key, { value, tags }, { size });
      // One that is larger than the whole cache was not taken.
      if (entries.has(key)) for (const tag of tags) tagWith(tag, key);
    },
    drop(tag) {
      const present = keysOf.get(tag);
      if (present === undefined) return;
      for (const key of typeof present === 'string' ? [present] : [...present]) entries.delete(key);
    },
    clear: () => entries.clear(),
  };
}
