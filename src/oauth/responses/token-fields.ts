import { parseScopes, scopeTokenPattern, unique } from '../../domain/grants/scopes.ts';

/** Maximum number of scopes that are kept. Without a limit a provider could grow every grant. */
const maxScopes = 500;
const knownTokenTypes = /^(dpop|pop|mac)$/i;

/**
 * Reads scopes separated as the provider separates them, or by spaces or commas. Returns null for an empty list: some
 * providers send one regardless of the granted scopes.
 */
export function readScopes(value: unknown, separator: string): string[] | null {
  const text = typeof value === 'string' ? value : '';
  const listed = Array.isArray(value) ? value : text.split(separator).flatMap(parseScopes);
  const scopes = listed.filter((scope): scope is string => typeof scope === 'string' && scopeTokenPattern.test(scope));
  return scopes.length === 0 ? null : unique(scopes).slice(0, maxScopes);
}

/** Reads an unknown token type (RFC 6749 §7.1) as Bearer: tokens of types such as `bot` are bearer tokens. */
export function readTokenType(value: unknown): string {
  const type = typeof value === 'string' ? value.trim() : '';
  return knownTokenTypes.test(type) ? type : 'Bearer';
}
