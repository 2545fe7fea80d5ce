import { invalidRequest } from '../../domain/errors.ts';
import { readCursor, writeCursor } from '../driver/cursor.ts';
import { isUuid } from '../driver/uuid.ts';
import type { Path, Position } from './path.ts';

const notOfSelection = 'is not a cursor that a list of this selection has given';

export function writePosition({ path, segment, after }: Position): string {
  return writeCursor([path, segment, after && [after.keys, after.id]]);
}

/** Reads a cursor. Throws `invalid_request` for text that writePosition cannot have written. */
export function readPosition(text: string): Position {
  return readCursor(text, toPosition, notOfSelection);
}

function toPosition([path, segment, after]: unknown[]): Position | undefined {
  if (typeof path !== 'string' || !isTexts(segment)) return undefined;
  if (after === null) return { path, segment, after };
  if (!Array.isArray(after)) return undefined;
  const [keys, id] = after as unknown[];
  return isTexts(keys) && typeof id === 'string' && isUuid(id) ? { path, segment, after: { keys, id } } : undefined;
}

/**
 * Returns the number of the segment where a page begins. Throws `invalid_request` if the position belongs to another
 * selection: it then has another path, or none of its segments.
 */
export function segmentAt(path: Path, position: Position | undefined): number {
  if (position === undefined) return 0;
  const { segment, after } = position;
  const index = path.segments.findIndex(
    ({ key }) => key.length === segment.length && key.every((value, at) => value === segment[at]),
  );
  const fits =
    after === null ||
    (after.keys.length === path.order.length &&
      path.order.every(({ isInstant }, at) => !isInstant || isMilliseconds(after.keys[at] ?? '')));
  if (position.path !== path.name || index < 0 || !fits)
    throw invalidRequest({ path: 'query.cursor', message: notOfSelection });
  return index;
}

function isMilliseconds(text: string): boolean {
  return /^-?\d{1,15}$/.test(text);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string' && !each.includes('\0'));
}
