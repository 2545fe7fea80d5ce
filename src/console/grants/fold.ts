/** An entry that may be joined with neighbours that tell the same. */
export interface Foldable {
  at: Date;
  /** Entries with the same key tell the same. Null: this one always stands alone. */
  foldKey: string | null;
}

/** Neighbours that tell the same, in their order. Never empty. */
export type Folded<T> = readonly [T, ...T[]];

/** Joins neighbours with the same key. Keeps the order and every entry: all folds in a row are the list itself. */
export function fold<T extends Foldable>(entries: readonly T[]): Folded<T>[] {
  const folds: [T, ...T[]][] = [];
  for (const entry of entries) {
    const last = folds.at(-1);
    if (last !== undefined && entry.foldKey !== null && last[0].foldKey === entry.foldKey) last.push(entry);
    else folds.push([entry]);
  }
  return folds;
}

/** Times of the newest and the oldest entry of a fold, whatever its order. */
export function spanOf(folded: Folded<Foldable>): { first: Date; last: Date } {
  const times = folded.map(({ at }) => at.getTime());
  return { first: new Date(Math.min(...times)), last: new Date(Math.max(...times)) };
}
