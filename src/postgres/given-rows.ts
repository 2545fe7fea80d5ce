/** Name, type and value of a column: null where the item has none. */
type GivenColumn<Item> = readonly [name: string, type: string, of: (item: Item) => GivenValue];
type GivenValue = string | number | boolean | null;

export interface GivenRows<Item> {
  /** The table of them, to select from; `n` counts them from 1. */
  text: string;
  values(items: readonly Item[]): string[];
}

/** Types whose values may hold what has a meaning in an array; those of the others are written as they are. */
const quotedTypes = new Set(['text', 'jsonb']);

/**
 * Items as rows of a statement whose text is the same however many there are: one array for each column. Parsing JSON
 * records instead costs the server three times as much.
 */
export function givenRows<Item>(name: string, columns: readonly GivenColumn<Item>[]): GivenRows<Item> {
  const arrays = columns.map(([, type], n) => `$${n + 1}::${type}[]`);
  const names = columns.map(([column]) => column);
  return {
    text: `unnest(${arrays.join(', ')}) with ordinality as ${name} (${names.join(', ')}, n)`,
    values: (items) =>
      columns.map(([, type, of]) => {
        const write = quotedTypes.has(type) ? quote : String;
        return `{${items.map((item) => write(of(item)))}}`;
      }),
  };
}

/** Text as an element of an array; null as there is none. */
export function quote(value: GivenValue): string {
  return value === null ? 'null' : `"${String(value).replace(/["\\]/g, '\\$&')}"`;
}

/** Each row where its item was; undefined where none came of it. */
export function inOrder<Row extends { n: number }>(rows: readonly Row[], count: number): (Row | undefined)[] {
  const answers: (Row | undefined)[] = new Array(count);
  for (const row of rows) answers[row.n - 1] = row;
  return answers;
}
