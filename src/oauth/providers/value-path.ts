import type { ValuePath } from '../../domain/connections/value-path.ts';

/**
 * Returns the value of the first alternative that is present and not null. An empty text counts in the last one only:
 * elsewhere it is a provider's way to say that the value is at the next place.
 */
export function valueAt(source: unknown, path: ValuePath): unknown {
  const alternatives = path.split('|');
  for (const [at, alternative] of alternatives.entries()) {
    const value = alternative.split('.').reduce<unknown>(memberOf, source);
    const isEmpty = value === '' && at < alternatives.length - 1;
    if (value !== undefined && value !== null && !isEmpty) return value;
  }
  return undefined;
}

function memberOf(source: unknown, name: string): unknown {
  if (typeof source !== 'object' || source === null || !Object.hasOwn(source, name)) return undefined;
  return (source as Record<string, unknown>)[name];
}

/**
 * Maximum characters of a captured value, which may be a second token: as many as a token may have. A longer value is left
 * out, because it would grow every sealed row. The tokens beside it are kept.
 */
const maxCapturedLength = 64 * 1024;
/** Maximum characters of an account's id or name. Far longer ids exceed PostgreSQL's limit for an index entry. */
const maxAccountLength = 255;

/** Returns a number, boolean or bounded text without control characters; undefined for any other value. */
export function readScalar(value: unknown): string | number | boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' && value.length <= maxCapturedLength && isPrintable(value) ? value : undefined;
}

/** Returns an account's id or name; null if the value is missing or cannot be stored and shown. */
export function readAccountText(value: unknown): string | null {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && text !== '' && text.length <= maxAccountLength && isPrintable(text) ? text : null;
}

function isPrintable(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}
