/** Values of a metric by label values. Counting is a few look-ups in maps and an addition; no text is built. */
export interface Cells<T> {
  /** Returns the cell of these label values, one for each label, in the order of the labels. */
  at(...values: readonly string[]): T;
  entries(): Iterable<readonly [values: readonly string[], cell: T]>;
}

interface Node<T> {
  children: Map<string, Node<T>>;
  cell: T | undefined;
}

/** The caller must bound the values of each label: a cell is never dropped. */
export function createCells<T>(create: () => T): Cells<T> {
  const newNode = (): Node<T> => ({ children: new Map(), cell: undefined });
  const root = newNode();

  function* walk(node: Node<T>, values: readonly string[]): Iterable<readonly [readonly string[], T]> {
    if (node.cell !== undefined) yield [values, node.cell];
    for (const [value, child] of node.children) yield* walk(child, [...values, value]);
  }

  return {
    at(...values) {
      let node = root;
      for (const value of values) {
        let child = node.children.get(value);
        if (child === undefined) {
          child = newNode();
          node.children.set(value, child);
        }
        node = child;
      }
      node.cell ??= create();
      return node.cell;
    },
    entries: () => walk(root, []),
  };
}

/** Keeps a label in its closed set: any other value becomes `other`. */
export function closedSet(values: Iterable<string>, other: string): (value: string) => string {
  const known = new Set(values);
  return (value) => (known.has(value) ? value : other);
}
