import { html, type Markup } from '../../markup/html.ts';

const exactFormat = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZone: 'UTC',
});
const relativeFormat = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

const units = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
] as const;

/** Time in UTC, to the second. */
export function exactTime(at: Date): string {
  return `${exactFormat.format(at)} UTC`;
}

/** Distance of a time in its largest unit: `3 hours ago`, `in 5 minutes`. */
export function relativeTime(at: Date, now: Date): string {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  if (unit === 'second') return Math.abs(seconds) < 5 ? 'now' : relativeFormat.format(Math.round(seconds), 'second');
  return relativeFormat.format(Math.trunc(seconds / size), unit);
}

/** Relative time for reading, exact time beside it. A script of the console adds the local time. `none` stands for null. */
export function when(at: Date | null, now: Date, none = 'never'): Markup {
  if (at === null) return html`<span class="soft none">${none}</span>`;
  return html`<time datetime="${at.toISOString()}" title="${exactTime(at)}">${relativeTime(at, now)}</time>`;
}

/** Relative time with the exact one as text, for pages that are about one thing. */
export function whenExactly(at: Date | null, now: Date, none = 'never'): Markup {
  if (at === null) return html`<span class="soft none">${none}</span>`;
  return html`<time datetime="${at.toISOString()}">${relativeTime(at, now)} <span class="soft exact">(${exactTime(at)})</span></time>`;
}
