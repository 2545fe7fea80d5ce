import type { Secret } from './secret.ts';

/** Longest provider text that is kept, in characters. */
const maxLength = 200;
/** Secrets shorter than this are not searched for: they would match parts of ordinary words. */
const minSecretLength = 6;

/**
 * Cleans a text that a provider wrote for people: printable characters, at most 200 of them. Returns null for a text that
 * is empty or that repeats one of the secrets: an echo must not reach a log, the audit trail or a page.
 */
export function cleanProviderText(text: string | null, secrets: readonly (Secret | string | null)[]): string | null {
  if (text === null) return null;
  const values = secrets.flatMap((secret) =>
    secret === null ? [] : typeof secret === 'string' ? secret : secret.reveal(),
  );
  if (values.some((value) => value.length >= minSecretLength && text.includes(value))) return null;
  const printable = text
    .toWellFormed()
    .replace(/[\p{C}\p{Z}\uFFFD]+/gu, ' ')
    .trim();
  return printable === '' ? null : [...printable].slice(0, maxLength).join('');
}
