import { isMap, isScalar, isSeq, type Node } from 'yaml';

/**
 * Finds where a dotted path such as `scopes.1` begins: at the key of a member, or at an entry of a list. A path that leads
 * further than the file ends at its last part that exists. Names may hold dots, so the longest name that fits is taken.
 */
export function findOffset(node: Node, path: string): number | undefined {
  if (path === '') return undefined;
  if (isMap(node)) {
    const fitting = node.items
      .filter(({ key }) => isScalar(key) && leads(String(key.value), path))
      .toSorted((a, b) => String(b.key).length - String(a.key).length)[0];
    if (fitting === undefined || !isScalar(fitting.key)) return undefined;
    const rest = path.slice(String(fitting.key.value).length + 1);
    const within = fitting.value === null ? undefined : findOffset(fitting.value as Node, rest);
    return within ?? fitting.key.range?.[0];
  }
  if (!isSeq(node)) return undefined;
  const [index = ''] = path.split('.', 1);
  const entry = node.items[Number(index)] as Node | undefined;
  return entry && (findOffset(entry, path.slice(index.length + 1)) ?? entry.range?.[0]);
}

function leads(name: string, path: string): boolean {
  return path === name || path.startsWith(`${name}.`);
}
