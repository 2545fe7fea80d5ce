import type { ValuePath } from '../domain/template.ts';

/** The first of a path's alternatives that is there and not null. */
export function valueAt(source: unknown, path: ValuePath): unknown {
  for (const alternative of path.split('|')) {
    const value = alternative.split('.').reduce<unknown>(memberOf, source);
    if (value !== undefined && value !== null) return value;
  }
  return undefined;
}

function memberOf(source: unknown, name: string): unknown {
  if (typeof source !== 'object' || source === null || !Object.hasOwn(source, name)) return undefined;
  return (source as Record<string, unknown>)[name];
}

const maxCapturedLength = 16 * 1024;
const maxAccountLength = 255;

/** A scalar that a caller may be handed: no control characters, bounded. Anything else is not captured. */
export function readScalar(value: unknown): string | number | boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  return typeof value === 'string' && value.length <= maxCapturedLength && isPrintable(value) ? value : undefined;
}

/** An account's id or name; null where there is none that could be stored and shown. */
export function readAccountText(value: unknown): string | null {
  const text = typeof value === 'number' ? String(value) : value;
  return typeof text === 'string' && text !== '' && text.length <= maxAccountLength && isPrintable(text) ? text : null;
}

function isPrintable(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}
