const maxNodes = 1000;
const maxCharacters = 16_384;
const maxDepth = 10;

/**
 * Whether free-form JSON is small enough to be kept. Walks without recursion: a body of nothing but brackets would
 * overflow the stack of whatever recursed into it, here or later.
 */
export function isSmallJson(value: unknown): boolean {
  const pending: { value: unknown; depth: number }[] = [{ value, depth: 0 }];
  let nodes = 0;
  let characters = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    nodes += 1;
    if (typeof next.value === 'string') characters += next.value.length;
    if (typeof next.value === 'object' && next.value !== null) {
      for (const [name, member] of Object.entries(next.value)) {
        characters += name.length;
        pending.push({ value: member, depth: next.depth + 1 });
      }
    }
    if (nodes > maxNodes || characters > maxCharacters || next.depth > maxDepth) return false;
  }
  return true;
}
