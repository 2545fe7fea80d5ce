import type { Page, PageRequest } from '../../domain/ports/workflows.ts';
import { readCursor, writeCursor } from '../driver/cursor.ts';

/** Makes a page of the rows of a statement, which selects one more row than the page has if another page follows. */
export function toPage<Row, T>(
  rows: readonly Row[],
  { limit }: PageRequest,
  { keyOf, toItem }: { keyOf: (row: Row) => string; toItem: (row: Row) => T },
): Page<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map(toItem),
    nextCursor: last !== undefined && rows.length > shown.length ? writePageCursor(keyOf(last)) : null,
  };
}

/** Writes the key of the last row of a page. Each list is ordered by one column. */
export function writePageCursor(key: string): string {
  return writeCursor([key]);
}

/** Reads a cursor. Throws `invalid_request` for text that writePageCursor cannot have written. */
export function readPageCursor(text: string, isKey: (key: string) => boolean): string {
  return readCursor(text, ([key]) => (typeof key === 'string' && isKey(key) ? key : undefined));
}
