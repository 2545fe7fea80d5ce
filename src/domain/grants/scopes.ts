import type { ProviderTemplate } from '../connections/template.ts';

/** Scope token (RFC 6749 §3.3): printable ASCII without space, quote and backslash. */
export const scopeTokenPattern = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** Parses scopes separated by spaces or commas. Removes duplicates and keeps the order. */
export function parseScopes(text: string): string[] {
  return unique(text.split(/[\s,]+/).filter((scope) => scope !== ''));
}

export function unique(scopes: readonly string[]): string[] {
  return [...new Set(scopes)];
}

/** Other names under which a provider grants a scope. */
export type ScopeNames = Pick<ProviderTemplate, 'scopeAliases' | 'scopePrefix'>;

/** Lists the required scopes that `granted` lacks under every name, in their order. */
export function missingScopes(required: readonly string[], granted: readonly string[], names?: ScopeNames): string[] {
  const keyOf = createScopeKey(names);
  const held = new Set(granted.map(keyOf));
  return required.filter((scope) => !held.has(keyOf(scope)));
}

/**
 * Gives each granted scope the name under which it was requested. Alias, prefix and case make no difference. A scope that
 * was not requested keeps its name.
 */
export function namedAsRequested(
  granted: readonly string[],
  requested: readonly string[],
  names?: ScopeNames,
): string[] {
  const keyOf = createScopeKey(names);
  const requestedNames = Map.groupBy(requested, keyOf);
  return unique(granted.flatMap((scope) => requestedNames.get(keyOf(scope)) ?? [scope]));
}

/**
 * Maps all names of a scope to one key. Providers grant a scope in another case than requested, although scopes are
 * case-sensitive (RFC 6749 §3.3): two scopes that differ in case alone count as one.
 */
export function createScopeKey(names: ScopeNames = { scopeAliases: {}, scopePrefix: null }): (scope: string) => string {
  const prefix = names.scopePrefix?.toLowerCase() ?? '';
  const plain = (scope: string) => {
    const lower = scope.toLowerCase();
    return lower.startsWith(prefix) ? lower.slice(prefix.length) : lower;
  };
  const byAlias = new Map(Object.entries(names.scopeAliases).map(([alias, name]) => [plain(alias), plain(name)]));
  return (scope) => byAlias.get(plain(scope)) ?? plain(scope);
}
