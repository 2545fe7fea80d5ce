import { readCursor, writeCursor } from '../driver/cursor.ts';
import { isUuid } from '../driver/uuid.ts';

/** Last row of a page. Lists are ordered by name, then id. */
export interface ConnectionCursor {
  name: string;
  id: string;
}

export function writeConnectionCursor({ name, id }: ConnectionCursor): string {
  return writeCursor([name, id]);
}

/** Reads a cursor. Throws `invalid_request` for text that writeConnectionCursor cannot have written. */
export function readConnectionCursor(text: string): ConnectionCursor {
  return readCursor(text, ([name, id]) =>
    typeof name !== 'string' || name.includes('\0') || typeof id !== 'string' || !isUuid(id) ? undefined : { name, id },
  );
}
