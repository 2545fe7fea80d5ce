/** What changed lately, by tag: whether a row that was being read meanwhile may be older than what was told of it. */
export interface ChangeLog {
  /** Noted before the row is read. */
  position(): number;
  note(tag: string): void;
  /** As if every tag had been noted. */
  noteEverything(): void;
  /** True where one of the tags was noted since, or so much else that it is no longer known. */
  hasChangedSince(position: number, tags: readonly string[]): boolean;
}

/** A read that outlasts this many changes is not remembered; the next one will be. */
const kept = 1024;

export function createChangeLog(): ChangeLog {
  const ring: string[] = [];
  let count = 0;
  let knownFrom = 0;

  return {
    position: () => count,
    note(tag) {
      ring[count % kept] = tag;
      count += 1;
    },
    noteEverything() {
      count += 1;
      knownFrom = count;
    },
    hasChangedSince(position, tags) {
      if (position < knownFrom || count - position > kept) return true;
      for (let at = position; at < count; at += 1) {
        const tag = ring[at % kept];
        if (tag !== undefined && tags.includes(tag)) return true;
      }
      return false;
    },
  };
}
