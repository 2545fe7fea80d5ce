/** Remembers recently invalidated tags, to tell whether a row that was being read may already be outdated. */
export interface RecentInvalidations {
  /** Taken before the row is read. */
  position(): number;
  add(tag: string): void;
  /** Counts as an invalidation of every tag. */
  addAll(): void;
  /** True if one of the tags was invalidated since the position, or if more followed than are remembered. */
  includesAnySince(position: number, tags: readonly string[]): boolean;
}

/** Invalidations remembered. A row that is read during more of them is not cached; the next read of it may be. */
const remembered = 1024;

export function createRecentInvalidations(): RecentInvalidations {
  const ring: string[] = [];
  let count = 0;
  let knownFrom = 0;

  return {
    position: () => count,
    add(tag) {
      ring[count % remembered] = tag;
      count += 1;
    },
    addAll() {
      count += 1;
      knownFrom = count;
    },
    includesAnySince(position, tags) {
      if (position < knownFrom || count - position > remembered) return true;
      for (let at = position; at < count; at += 1) {
        const tag = ring[at % remembered];
        if (tag !== undefined && tags.includes(tag)) return true;
      }
      return false;
    },
  };
}
