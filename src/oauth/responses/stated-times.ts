/** Maximum lifetime, 100 years. A much larger number gives an expiry that a Date cannot represent. */
const maxLifetimeSeconds = 100 * 365 * 86_400;
const dayMs = 86_400_000;
/** Numbers up to 10 years ahead of now are instants. As lifetimes they would exceed 50 years. */
const longestAheadMs = 10 * 365 * dayMs;
/** Dates before 2000, such as 0001-01-01 and 1970-01-01, are placeholders for "no expiry". */
const firstInstantMs = Date.UTC(2000, 0);

/**
 * Meaning of a number in a member that states a lifetime or an expiry.
 * - seconds, milliseconds: a duration, unless it can only be an instant.
 * - instant: seconds or milliseconds since the epoch, or a duration in seconds if it is too small for an instant.
 */
export type TimeUnit = 'seconds' | 'milliseconds' | 'instant';

/**
 * Reads a lifetime in seconds from a number, a number with a unit ("10 minutes"), or a date; null for anything else.
 * Zero and less count as missing: some providers mean "never expires". `providerNow` is the provider's clock, from which
 * its instants count.
 */
export function readLifetime(value: unknown, unit: TimeUnit, providerNow: Date): number | null {
  const number = toNumber(value);
  if (number !== null) {
    const instantMs = toInstantMs(number, unit, providerNow);
    if (instantMs !== null) return secondsUntil(instantMs, providerNow);
    if (unit === 'instant' && number * 1000 > longestAheadMs) return null;
    return toDuration(unit === 'milliseconds' ? number / 1000 : number);
  }
  if (typeof value !== 'string') return null;
  const duration = parseDuration(value.trim());
  if (duration !== null) return toDuration(duration);
  const instantMs = parseInstant(value);
  return instantMs === null || instantMs < firstInstantMs ? null : secondsUntil(instantMs, providerNow);
}

/** Reads the `exp` of a JWT (RFC 7519 §4.1.4): an instant, never a duration. */
export function readJwtLifetime(exp: unknown, providerNow: Date): number | null {
  const instantMs = typeof exp === 'number' ? toInstantMs(exp, 'instant', providerNow) : null;
  return instantMs === null ? null : secondsUntil(instantMs, providerNow);
}

/**
 * Reads the provider's clock from the Date header of its response. Falls back to the broker's clock if the two differ by
 * more than a day: such a header comes from a cache or a broken clock.
 */
export function readProviderClock(dateHeader: string | null, now: Date): Date {
  const dateMs = dateHeader === null ? null : parseInstant(dateHeader);
  return dateMs === null || Math.abs(dateMs - now.getTime()) > dayMs ? now : new Date(dateMs);
}

/** Checks whether a value is an instant in the past. Small numbers are lifetimes, and dates before 2000 placeholders. */
export function isPastInstant(value: unknown, now: Date): boolean {
  const number = toNumber(value);
  const instants = number === null ? [typeof value === 'string' ? parseInstant(value) : null] : [number * 1000, number];
  return instants.some((ms) => ms !== null && ms >= firstInstantMs && ms <= now.getTime());
}

/** Returns the instant if the number lies between yesterday and ten years ahead, as seconds or as milliseconds. */
function toInstantMs(number: number, unit: TimeUnit, now: Date): number | null {
  const candidates = unit === 'milliseconds' ? [number] : [number * 1000, number];
  const nowMs = now.getTime();
  return candidates.find((ms) => ms > nowMs - dayMs && ms < nowMs + longestAheadMs) ?? null;
}

function secondsUntil(instantMs: number, now: Date): number {
  return Math.floor(Math.min(Math.max((instantMs - now.getTime()) / 1000, 0), maxLifetimeSeconds));
}

function toDuration(seconds: number): number | null {
  const whole = Math.floor(Math.min(seconds, maxLifetimeSeconds));
  return whole > 0 ? whole : null;
}

function toNumber(value: unknown): number | null {
  const number = typeof value === 'string' && /^\s*[+-]?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

const unitSeconds: readonly (readonly [name: RegExp, seconds: number])[] = [
  [/^(ms|msecs?|milliseconds?)$/, 0.001],
  [/^(s|secs?|seconds?)$/, 1],
  [/^(m|mins?|minutes?)$/, 60],
  [/^(h|hrs?|hours?)$/, 3600],
  [/^(d|days?)$/, 86_400],
  [/^(w|weeks?)$/, 604_800],
];

function parseDuration(text: string): number | null {
  const [, number, name = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text) ?? [];
  const unit = unitSeconds.find(([pattern]) => pattern.test(name.toLowerCase()));
  return number === undefined || unit === undefined ? null : Number(number) * unit[1];
}

const clockTime = String.raw`(?<hour>\d{1,2}):(?<minute>\d\d)(?::(?<second>\d\d)(?:[.,]\d+)?)?`;
const zone = String.raw`(?:Z|UTC|GMT|UT|(?<sign>[+-])(?<zoneHour>\d\d):?(?<zoneMinute>\d\d)?(?: [A-Z]{1,5})?)?`;
const monthNames = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** RFC 3339, also with a space; RFC 1123 and 2822; the form of C's asctime, also with a zone before the year. */
const dateForms = [
  String.raw`(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:[T ]${clockTime})? ?${zone}`,
  String.raw`(?:[a-z]{3,9},? )?(?<day>\d{1,2})[ -](?<month>[a-z]{3})[a-z]*[ -](?<year>\d{4}) ${clockTime} ?${zone}`,
  String.raw`[a-z]{3} (?<month>[a-z]{3}) (?<day>\d{1,2}) ${clockTime} ?${zone} (?<year>\d{4})`,
].map((form) => new RegExp(`^${form}$`, 'i'));

/**
 * Parses a date to milliseconds since the epoch. A date without a zone is UTC. Date.parse would use the zone of the
 * machine, so an expiry would move by hours.
 */
function parseInstant(text: string): number | null {
  const plain = text.trim().replace(/\s+/g, ' ');
  for (const form of dateForms) {
    const parts = form.exec(plain)?.groups;
    if (parts === undefined) continue;
    const { year, month = '', day, hour = 0, minute = 0, second = 0, sign, zoneHour = 0, zoneMinute = 0 } = parts;
    const monthIndex = /^\d/.test(month) ? Number(month) - 1 : monthNames.indexOf(month.toLowerCase());
    if (monthIndex < 0 || monthIndex > 11) return null;
    const offsetMinutes = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === '-' ? -1 : 1);
    return Date.UTC(
      Number(year),
      monthIndex,
      Number(day),
      Number(hour),
      Number(minute) - offsetMinutes,
      Number(second),
    );
  }
  return null;
}
