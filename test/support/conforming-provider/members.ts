/** Members of a response, or a list of them. */
export type Members = Record<string, unknown>;

export function alternativesOf(path: string): string[] {
  return path.split('|');
}

/** Sets a member at a path without alternatives. A numeric name makes a list. Keeps a value that is there already. */
export function setAt(root: Members, path: string, value: unknown): void {
  const names = path.split('.');
  let holder = root;
  for (const [index, name] of names.slice(0, -1).entries()) {
    if (!Object.hasOwn(holder, name)) define(holder, name, /^\d+$/.test(names[index + 1] ?? '') ? [] : {});
    const next = holder[name];
    if (typeof next !== 'object' || next === null) throw new Error(`the path ${path} runs through the value ${name}`);
    holder = next as Members;
  }
  const last = names.at(-1) ?? '';
  if (!Object.hasOwn(holder, last)) define(holder, last, value);
}

/** An assignment to `__proto__` would set the prototype instead of a member. */
function define(holder: Members, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Reads the first alternative that is there. */
export function readAt(root: unknown, path: string): unknown {
  for (const alternative of alternativesOf(path)) {
    let value: unknown = root;
    for (const name of alternative.split('.')) {
      value =
        typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Members)[name] : null;
    }
    if (value !== null && value !== undefined) return value;
  }
  return undefined;
}
