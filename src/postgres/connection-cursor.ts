import { invalidRequest } from '../domain/errors.ts';
import { isUuid } from './null-safe.ts';

/** Where a page ended: lists are in order of name, then id. */
export interface ConnectionCursor {
  name: string;
  id: string;
}

export function writeCursor({ name, id }: ConnectionCursor): string {
  return Buffer.from(JSON.stringify([name, id])).toString('base64url');
}

/** Throws `invalid_request` for what writeCursor cannot have written. */
export function readCursor(text: string): ConnectionCursor {
  const [name, id] = parse(text);
  if (typeof name !== 'string' || name.includes('\0') || typeof id !== 'string' || !isUuid(id)) {
    throw invalidRequest({ path: 'query.cursor', message: 'is not a cursor that a list has given' });
  }
  return { name, id };
}

function parse(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
