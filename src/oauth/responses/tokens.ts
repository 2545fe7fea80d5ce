/** Maximum characters of a token. JWTs with many claims have up to 64 KB; a longer one would only fill the memory. */
const maxTokenLength = 64 * 1024;
/** Allowed characters of a token (RFC 6749 §A.12). A line break in a token would inject a header into the next call. */
const tokenPattern = /^[\x20-\x7e]+$/;
/** Texts that programs write for a missing value. */
const textsWithoutToken = new Set(['', 'null', 'undefined']);

/** Returns the token in a member, without surrounding white space; null if it holds none that can be used. */
export function readToken(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const token = value.trim();
  if (textsWithoutToken.has(token.toLowerCase())) return null;
  return token.length <= maxTokenLength && tokenPattern.test(token) ? token : null;
}

/** Checks whether a member holds something that is no usable token, and no common way to say that there is none. */
export function isMalformedToken(value: unknown): boolean {
  if (!value || readToken(value) !== null) return false;
  if (typeof value === 'string') return !textsWithoutToken.has(value.trim().toLowerCase());
  return typeof value !== 'object' || Object.keys(value).length > 0;
}
