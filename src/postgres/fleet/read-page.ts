import type { Kysely } from 'kysely';
import type { Tables } from '../tables.ts';
import { type Path, type Position, type Scan, type Segment, scanRows } from './path.ts';
import { segmentAt, writePosition } from './position.ts';

/** Rows that one page reads at most while it looks for rows that match conditions without an index. */
const maxScanned = 10_000;
/** Segments of one statement. A longer statement takes longer to plan than two of this length. */
const segmentsTogether = 20;
/** Statements of one page. A caller with very many organisations gets the rest with the next page. */
const maxStatements = 10;

export interface IdPage {
  ids: string[];
  nextCursor: string | null;
}

/**
 * Reads the ids of a page. Its work is bounded: it may end before it has found `limit` rows, and its cursor then continues
 * where it ended.
 */
export async function readPage(
  db: Kysely<Tables>,
  path: Path,
  from: Position | undefined,
  limit: number,
): Promise<IdPage> {
  const hasResidual = path.residual.conditions.length > 0;
  const ids: string[] = [];
  let first = segmentAt(path, from);
  let after = from?.after ?? null;
  for (let statement = 0; statement < (hasResidual ? 1 : maxStatements); statement++) {
    const segments = path.segments.slice(first, first + segmentsTogether);
    if (segments.length === 0) break;
    const needed = limit + 1 - ids.length;
    const scan: Scan = { path, segments, after, needed, scanned: Math.ceil(maxScanned / segments.length) };
    const { rows } = await scanRows(scan).execute(db);
    let last: Position | undefined;
    for (const row of rows) {
      const place = positionOf(path, segments[row.segment], row.is_end || ids.length < limit ? row : null);
      if (row.is_end) return { ids, nextCursor: writePosition(place) };
      // One row beyond the limit says that another page follows.
      if (ids.length === limit) return { ids, nextCursor: writePosition(last ?? place) };
      ids.push(row.id);
      last = place;
    }
    first += segments.length;
    after = null;
  }
  const next = path.segments[first];
  return { ids, nextCursor: next === undefined ? null : writePosition(positionOf(path, next, null)) };
}

function positionOf(path: Path, segment: Segment | undefined, after: Position['after']): Position {
  return { path: path.name, segment: segment?.key ?? [], after };
}
