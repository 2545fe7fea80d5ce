import { type RawBuilder, sql } from 'kysely';

/** Column of an index, with the value that a cursor holds for it. */
export interface OrderColumn {
  expression: RawBuilder<unknown>;
  isInstant: boolean;
}

/** Part of a list: the rows with equal values in the first columns of an index. */
export interface Segment {
  /** Names the segment in a cursor. */
  key: readonly string[];
  conditions: readonly RawBuilder<unknown>[];
}

/** Conditions that the index of a path does not serve, with what they read beside its table. */
export interface Residual {
  joins: readonly RawBuilder<unknown>[];
  conditions: readonly RawBuilder<unknown>[];
}

/** Way to read a list: an index, segment after segment, each in the order of the remaining columns. */
export interface Path {
  /** Names the path in a cursor. */
  name: string;
  /** Table with the alias `item`. */
  table: RawBuilder<unknown>;
  id: RawBuilder<unknown>;
  segments: readonly Segment[];
  /** Columns behind those of the segments, without the id, which is the last one. */
  order: readonly OrderColumn[];
  residual: Residual;
}

/** Place in a path behind which the next page begins. `after` is null at the begin of the segment. */
export interface Position {
  path: string;
  segment: readonly string[];
  after: { keys: readonly string[]; id: string } | null;
}

/** Row that a scan has found: its place in the order of its segment. */
export interface ScannedRow {
  /** Number of the segment in the statement. */
  segment: number;
  keys: string[];
  id: string;
  /** True for the last row that was read of a segment of which not all rows were read. It need not match. */
  is_end: boolean;
}

/** Segments to read in one statement, at most `needed` rows each. */
export interface Scan {
  path: Path;
  segments: readonly Segment[];
  /** Place in the first segment. */
  after: Position['after'];
  needed: number;
  /** Rows that are read of each segment if the path has residual conditions. */
  scanned: number;
}

/**
 * Selects the matching rows of each segment in its order, and then the row where the read of the segment ended. One
 * statement, because rows that are deleted between two statements would move that end past rows that were never read.
 */
export function scanRows(scan: Scan): RawBuilder<ScannedRow> {
  const { path, needed, scanned } = scan;
  const { joins, conditions } = path.residual;
  const hasResidual = conditions.length > 0;
  const parts = scan.segments.flatMap((segment, index) => {
    const number = sql`${sql.lit(index)}::int as segment`;
    const where = whereOf(scan, segment, index);
    const place = sql`row_number() over (${orderOf(path)}) as place`;
    const found = sql`(select ${number}, ${keysOf(path)} as keys, ${path.id}::text as id, false as is_end, ${place}
      from (select ${columnsOf(path)} from ${path.table} ${where} ${orderOf(path)} limit ${hasResidual ? scanned : needed}) as item
      ${sql.join(joins, sql` `)} ${whereAll(conditions)} ${orderOf(path)} limit ${needed})`;
    const end = sql`(select ${number}, ${keysOf(path)} as keys, ${path.id}::text as id, true as is_end, null as place
      from ${path.table} ${where} ${orderOf(path)} limit 1 offset ${scanned - 1})`;
    return hasResidual ? [found, end] : [found];
  });
  return sql<ScannedRow>`select segment, keys, id, is_end from (${sql.join(parts, sql` union all `)}) as found
    order by segment, is_end, place`;
}

function whereOf({ path, after }: Scan, segment: Segment, index: number): RawBuilder<unknown> {
  const isAfter = index === 0 && after !== null ? [beyond(path, after)] : [];
  return whereAll([...segment.conditions, ...isAfter]);
}

function beyond(path: Path, after: NonNullable<Position['after']>): RawBuilder<unknown> {
  const values = path.order.map(({ isInstant }, index) => {
    const key = after.keys[index] ?? '';
    return isInstant ? sql`${new Date(Number(key))}::timestamptz` : sql`${key}::text`;
  });
  return sql`(${columnsOf(path)}) > (${sql.join([...values, sql`${after.id}::uuid`])})`;
}

/**
 * Only columns of the index: it is then read alone and in order. With other columns, reading all rows of a segment and
 * sorting them can look cheaper to the planner. Residual conditions join the rows they need.
 */
function columnsOf({ order, id }: Path): RawBuilder<unknown> {
  return sql.join([...order.map(({ expression }) => expression), id]);
}

function orderOf(path: Path): RawBuilder<unknown> {
  return sql`order by ${columnsOf(path)}`;
}

/** An instant has millisecond precision in its column, so its milliseconds are the whole value. */
function keysOf({ order }: Path): RawBuilder<unknown> {
  const texts = order.map(({ expression, isInstant }) =>
    isInstant ? sql`(extract(epoch from ${expression}) * 1000)::bigint::text` : sql`${expression}::text`,
  );
  return sql`array[${sql.join(texts)}]::text[]`;
}

function whereAll(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
}
