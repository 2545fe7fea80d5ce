import type { ProviderTemplate } from '../domain/template.ts';
import { valueAt } from './value-path.ts';

type Answer = Record<string, unknown>;

/** Beyond this a date no longer fits a Date, and nobody lives to see it. */
const maxLifetimeSeconds = 100 * 365 * 86_400;
/** A number this large is an instant, not a lifetime; below the second one it counts seconds, above it milliseconds. */
const firstInstant = 1e9;
const firstInstantInMs = 1e11;
/** Members in which providers put an absolute expiry without anybody declaring it. */
const absoluteMembers = 'expires_at|expires_on|expiry_date';

/** Seconds an access token lives: what the answer says, else the template's rule, else the token's own `exp`. */
export function accessLifetime(
  answer: Answer,
  accessToken: string,
  expiry: ProviderTemplate['expiry'],
  now: Date,
): number | null {
  const absolute = expiry.absolute === null ? undefined : valueAt(answer, expiry.absolute);
  return (
    fromInstant(absolute, now) ??
    fromDuration(answer.expires_in, expiry.unit, now) ??
    fromInstant(valueAt(answer, absoluteMembers), now) ??
    expiry.defaultLifetimeSeconds ??
    fromInstant(jwtExpiry(accessToken), now)
  );
}

/** Seconds a refresh token lives. The template's figure is of a new token; it says nothing where none was issued. */
export function refreshLifetime(answer: Answer, issued: boolean, template: ProviderTemplate, now: Date): number | null {
  const told = fromDuration(valueAt(answer, 'refresh_token_expires_in|refresh_expires_in'), template.expiry.unit, now);
  const { lifetimeDays } = template.refreshToken;
  return told ?? (issued && lifetimeDays !== null ? lifetimeDays * 86_400 : null);
}

/** Zero and less is how some providers say "never"; it is taken as silence. */
function fromDuration(value: unknown, unit: 'seconds' | 'milliseconds', now: Date): number | null {
  const number = toNumber(value);
  if (number === null) return typeof value === 'string' ? fromInstant(value, now) : null;
  if (number <= 0) return null;
  const seconds = unit === 'milliseconds' ? number / 1000 : number;
  return seconds >= firstInstant ? fromInstant(seconds, now) : bounded(seconds);
}

function fromInstant(value: unknown, now: Date): number | null {
  const instantMs = toInstantMs(value);
  return instantMs === null ? null : bounded((instantMs - now.getTime()) / 1000);
}

function toInstantMs(value: unknown): number | null {
  const number = toNumber(value);
  if (number !== null) {
    if (number < firstInstant) return null;
    return number >= firstInstantInMs ? number : number * 1000;
  }
  const parsed = typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(parsed) ? null : parsed;
}

function toNumber(value: unknown): number | null {
  const number = typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

function bounded(seconds: number): number {
  return Math.floor(Math.min(Math.max(seconds, 0), maxLifetimeSeconds));
}

/** RFC 7519 §4.1.4. Read without verifying: it only tells when to refresh, and the token came from its issuer over TLS. */
function jwtExpiry(token: string): unknown {
  const parts = token.split('.');
  if (parts.length !== 3 || parts[1] === undefined) return undefined;
  try {
    return valueAt(JSON.parse(Buffer.from(parts[1], 'base64url').toString('utf8')), 'exp');
  } catch {
    return undefined;
  }
}
