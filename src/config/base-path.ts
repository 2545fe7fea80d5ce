/** Returns the path with one leading slash, no repeated and no trailing one; empty for the root. */
export function normalizePath(text: string): string {
  return `/${text}`.replace(/\/+/g, '/').replace(/\/$/, '');
}
