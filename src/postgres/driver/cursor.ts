import { invalidRequest } from '../../domain/errors.ts';

const notOfList = 'is not a cursor that a list has given';

/** Writes the keys by which the next page of a list continues. */
export function writeCursor(keys: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(keys)).toString('base64url');
}

/**
 * Reads a cursor. `check` returns undefined for keys that its list cannot have written. Throws `invalid_request` for
 * them, and for any other text that writeCursor cannot have written.
 */
export function readCursor<T>(text: string, check: (keys: unknown[]) => T | undefined, message = notOfList): T {
  const checked = check(parse(text));
  if (checked === undefined) throw invalidRequest({ path: 'query.cursor', message });
  return checked;
}

/** Last row of a page of a list that is ordered by time, then id. */
export interface TimeCursor {
  at: Date;
  id: string;
}

export function writeTimeCursor({ at, id }: TimeCursor): string {
  return writeCursor([at.getTime(), id]);
}

/** Reads a cursor. Throws `invalid_request` for text that writeTimeCursor cannot have written. */
export function readTimeCursor(text: string, isId: (id: string) => boolean): TimeCursor {
  return readCursor(text, ([ms, id]) => {
    const at = new Date(typeof ms === 'number' ? ms : Number.NaN);
    return Number.isNaN(at.getTime()) || typeof id !== 'string' || !isId(id) ? undefined : { at, id };
  });
}

function parse(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
