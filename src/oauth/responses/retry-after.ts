/** Longest Retry-After, 15 minutes. Without a limit one wrong header stops refreshes until their tokens expire. */
const maxRetryAfterMs = 15 * 60_000;

/**
 * Parses Retry-After (RFC 9110 §10.2.3) to milliseconds: seconds, also with a fraction or a trailing `s`, or a date in
 * one of the three forms of RFC 9110 §5.6.7. Returns null for anything else.
 */
export function parseRetryAfter(header: string | null, now: Date): number | null {
  const text = header?.trim() ?? '';
  const seconds = /^(\d{1,9}(?:\.\d{1,9})?)\s?s?$/i.exec(text)?.[1];
  if (seconds !== undefined) return bounded(Math.ceil(Number(seconds) * 1000));
  if (!/^(mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return null;
  // The form of asctime names no zone. All HTTP dates are in UTC.
  const date = Date.parse(/gmt|utc|[+-]\d{4}$/i.test(text) ? text : `${text} GMT`);
  return Number.isNaN(date) ? null : bounded(date - now.getTime());
}

function bounded(ms: number): number {
  return Math.min(Math.max(ms, 0), maxRetryAfterMs);
}
