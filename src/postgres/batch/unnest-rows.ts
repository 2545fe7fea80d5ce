/** Name and Postgres type of a column, and the function that reads its value from an item. */
type Column<Item> = readonly [name: string, type: string, read: (item: Item) => ColumnValue];
type ColumnValue = string | number | boolean | null;

export interface UnnestedRows<Item> {
  /** Table expression for a FROM clause. Column `n` numbers the rows from 1. */
  text: string;
  /** The names of all columns, `n` included, each with the name of the table. */
  columns: string;
  /** Parameters of the statement: one array literal for each column. */
  values(items: readonly Item[]): string[];
}

/** Types whose values may contain characters with a meaning in an array literal. Values of other types need no quotes. */
const quotedTypes = new Set(['text', 'jsonb']);

/**
 * Passes items to a statement as rows, one array parameter for each column. The text does not depend on the number of
 * items, so one prepared statement serves all. Parsing JSON records instead costs the server three times as much.
 */
export function unnestRows<Item>(table: string, columns: readonly Column<Item>[]): UnnestedRows<Item> {
  const arrays = columns.map(([, type], n) => `$${n + 1}::${type}[]`);
  const names = [...columns.map(([name]) => name), 'n'];
  return {
    text: `unnest(${arrays.join(', ')}) with ordinality as ${table} (${names.join(', ')})`,
    columns: names.map((name) => `${table}.${name}`).join(', '),
    values: (items) =>
      columns.map(([, type, read]) => {
        const write = quotedTypes.has(type) ? quote : String;
        return `{${items.map((item) => write(read(item)))}}`;
      }),
  };
}

/** Writes a text as an element of an array literal; null becomes the unquoted word null. */
export function quote(value: ColumnValue): string {
  return value === null ? 'null' : `"${String(value).replace(/["\\]/g, '\\$&')}"`;
}

/** Puts each row at the place of its item. The place of an item without a row is undefined. */
export function inOrder<Row extends { n: number }>(rows: readonly Row[], count: number): (Row | undefined)[] {
  const ordered: (Row | undefined)[] = new Array(count);
  for (const row of rows) ordered[row.n - 1] = row;
  return ordered;
}
