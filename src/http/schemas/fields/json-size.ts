/** Bounds of free-form JSON. Provider values are far smaller; larger ones would grow every read of the grant. */
const smallJson = { nodes: 1000, characters: 16_384, depth: 10 };
/** Bounds of a raw token response: two tokens of 64 KB, and more members than any provider sends. */
const tokenResponse = { nodes: 5000, characters: 262_144, depth: 20 };

/** Returns whether free-form JSON is small enough to store. */
export function isSmallJson(value: unknown): boolean {
  return isWithin(smallJson, value);
}

/** Returns whether JSON is small and flat enough for a token response. */
export function isTokenResponseSized(value: unknown): boolean {
  return isWithin(tokenResponse, value);
}

/** Walks the value without recursion: nested brackets would overflow the stack of a recursive function, here or later. */
function isWithin(limits: typeof smallJson, value: unknown): boolean {
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
    if (nodes > limits.nodes || characters > limits.characters || next.depth > limits.depth) return false;
  }
  return true;
}
