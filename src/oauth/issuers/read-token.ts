import { findRepeatedMember } from '../../domain/json/repeated-member.ts';

/** A token as written. Nothing of it is verified. */
export interface UnverifiedToken {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
}

/** Maximum length of a token in characters. Longer ones are refused before they are parsed. */
const maxTokenLength = 8192;
/** Three parts of base64url (RFC 7515 §7.1). Encrypted tokens have five. */
const compactForm = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.[A-Za-z0-9_-]+$/;

/** Parses a token. Returns undefined for a text that is not a JWT in the compact form of RFC 7515. */
export function readToken(text: string): UnverifiedToken | undefined {
  if (text.length > maxTokenLength) return undefined;
  const [, first, second] = compactForm.exec(text) ?? [];
  if (first === undefined || second === undefined) return undefined;
  const header = readObject(first);
  const claims = header && readObject(second);
  return claims && { header, claims };
}

/** Reads a JSON object. Names must be unique (RFC 7515 §4, RFC 7519 §4): parsers differ in which of two values counts. */
function readObject(part: string): Record<string, unknown> | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url'));
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return findRepeatedMember(text) === undefined ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

const acceptedTypes = new Set(['jwt', 'at+jwt']);

/**
 * Checks the header's members, except those that name the key. Extensions are refused (`crit`, RFC 7515 §4.1.11), and so
 * are nested tokens (`cty`, RFC 7519 §5.2) and tokens of another purpose (`typ`, RFC 8725 §3.11). `jku`, `jwk`, `x5u` and
 * `x5c` are never read: they would let a token bring its own key.
 */
export function isAcceptedHeader(header: Record<string, unknown>): boolean {
  if ('crit' in header || 'cty' in header) return false;
  if (header.kid !== undefined && typeof header.kid !== 'string') return false;
  const { typ } = header;
  return (
    typ === undefined || (typeof typ === 'string' && acceptedTypes.has(typ.toLowerCase().replace(/^application\//, '')))
  );
}
