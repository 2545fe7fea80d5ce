/** One string, or one character of JSON's structure. Numbers and names hold none of these characters. */
const token = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]:,]/g;

/**
 * Finds the first object member whose name its object already has, as the names that lead to it. `text` must be valid JSON.
 * RFC 8259 §4: receivers differ in which of the values they use, so a gateway may have checked another one.
 */
export function findRepeatedMember(text: string): string[] | undefined {
  /** Names of each open object so far; null for an array. */
  const open: (Set<string> | null)[] = [];
  const path: string[] = [];
  let latest = '';
  for (const [part] of text.matchAll(token)) {
    if (part === '{' || part === '[') {
      open.push(part === '{' ? new Set() : null);
      path.push('');
    } else if (part === '}' || part === ']') {
      open.pop();
      path.pop();
    } else if (part === ':') {
      const name = JSON.parse(latest) as string;
      const names = open.at(-1);
      path[path.length - 1] = name;
      if (names?.has(name)) return path.filter((step) => step !== '');
      names?.add(name);
    } else latest = part;
  }
  return undefined;
}
