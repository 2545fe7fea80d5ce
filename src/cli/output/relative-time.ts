const units = [
  ['y', 365 * 86_400],
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
] as const;

/** Turns an ISO 8601 time into `in 54 min` or `3 d ago`; `-` for null. */
export function relativeTime(time: string | null | undefined, now = Date.now()): string {
  const at = Date.parse(time ?? '');
  if (Number.isNaN(at)) return '-';
  const seconds = Math.round((at - now) / 1000);
  const [name, length] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ['s', 1];
  if (seconds === 0) return 'now';
  const amount = `${Math.floor(Math.abs(seconds) / length)} ${name}`;
  return seconds > 0 ? `in ${amount}` : `${amount} ago`;
}

/** A time from which something may happen: once it has passed, the next sweep or fetch does it. */
export function dueTime(time: string | null | undefined, now = Date.now()): string {
  return Date.parse(time ?? '') <= now ? 'due' : relativeTime(time, now);
}
