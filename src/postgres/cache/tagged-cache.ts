import { LRUCache } from 'lru-cache';

export interface TaggedCacheLimits {
  /** Maximum number of entries; the least recently used one is dropped first. */
  max: number;
  maxAgeMs: number;
}

/** A bounded cache whose entries are dropped by the tags they depend on. */
export interface TaggedCache<V> {
  get(key: string): V | undefined;
  set(key: string, value: V, tags: readonly string[]): void;
  /** Drops every entry with this tag. */
  drop(tag: string): void;
  clear(): void;
  size(): number;
}

interface Entry<V> {
  value: V;
  tags: readonly string[];
}

export function createTaggedCache<V>({ max, maxAgeMs }: TaggedCacheLimits): TaggedCache<V> {
  const keysByTag = new Map<string, Set<string>>();
  const entries = new LRUCache<string, Entry<V>>({
    max,
    ttl: maxAgeMs,
    // One reading of the clock a second instead of one for each millisecond: 2 % of a fetch from memory.
    ttlResolution: 1_000,
    dispose: ({ tags }, key) => {
      for (const tag of tags) removeKey(tag, key);
    },
  });

  function addKey(tag: string, key: string): void {
    const keys = keysByTag.get(tag);
    if (keys === undefined) keysByTag.set(tag, new Set([key]));
    else keys.add(key);
  }

  function removeKey(tag: string, key: string): void {
    const keys = keysByTag.get(tag);
    if (keys?.delete(key) && keys.size === 0) keysByTag.delete(tag);
  }

  return {
    get: (key) => entries.get(key)?.value,
    set(key, value, tags) {
      // The replaced entry may have other tags: its tags go first.
      entries.delete(key);
      entries.set(key, { value, tags });
      for (const tag of tags) addKey(tag, key);
    },
    drop(tag) {
      for (const key of [...(keysByTag.get(tag) ?? [])]) entries.delete(key);
    },
    clear: () => entries.clear(),
    size: () => entries.size,
  };
}
