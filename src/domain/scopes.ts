/** RFC 6749 §3.3: printable ASCII without space, quote and backslash. */
export const scopeTokenPattern = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Scopes from one string, separated by spaces or commas as providers and people do; each once, order kept. */
export function parseScopes(text: string): string[] {
  return unique(text.split(/[\s,]+/).filter((scope) => scope !== ''));
}

export function unique(scopes: readonly string[]): string[] {
  return [...new Set(scopes)];
}

/** Those of `required` that `granted` lacks, in the order they were asked for. */
export function missingScopes(required: readonly string[], granted: readonly string[]): string[] {
  const held = new Set(granted);
  return required.filter((scope) => !held.has(scope));
}
