import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { valueAt } from '../providers/value-path.ts';
import { readJwtClaims } from './jwt-claims.ts';
import type { ResponseMembers } from './parse-response-body.ts';
import { isPastInstant, readJwtLifetime, readLifetime, type TimeUnit } from './stated-times.ts';

/** A lifetime beyond a year is compared with the `exp` of the token: it is often a mistaken unit. */
const yearSeconds = 365 * 86_400;

/** Members that state a lifetime or an expiry, in the order of preference. Any spelling counts: expiresIn, .expires. */
const accessMembers = {
  durations: ['expires_in', 'access_token_expires_in'],
  instants: [
    'expires_at',
    'expires_on',
    'expires',
    'expiry_date',
    'expiry',
    'expiration',
    'access_token_expires_at',
    'access_token_expires_on',
    'access_token_expires',
    'access_token_expiry',
  ],
};
const refreshMembers = {
  durations: ['refresh_token_expires_in', 'refresh_expires_in'],
  instants: [
    'refresh_token_expires_at',
    'refresh_expires_at',
    'refresh_token_expires_on',
    'refresh_expires_on',
    'refresh_token_expires',
    'refresh_expires',
    'refresh_token_expiry_date',
    'refresh_token_expiry',
    'refresh_token_expiration',
    'refresh_token_valid_until',
  ],
};

/**
 * Determines the lifetime of an access token in seconds; null if it is unknown. The first source with a value wins: the
 * template's absolute member, the response, the template's default, the `exp` of a JWT.
 */
export function accessLifetime(
  members: ResponseMembers,
  accessToken: string | null,
  expiry: ProviderTemplate['expiry'],
  providerNow: Date,
): number | null {
  const absolute = expiry.absolute === null ? undefined : valueAt(members, expiry.absolute);
  const stated =
    readLifetime(absolute, 'instant', providerNow) ??
    statedLifetime(members, accessMembers, expiry.unit, providerNow) ??
    expiry.defaultLifetimeSeconds;
  const inToken = readJwtLifetime(readJwtClaims(accessToken)?.exp, providerNow);
  if (stated === null || inToken === null) return stated ?? inToken;
  return stated > yearSeconds ? Math.min(stated, inToken) : stated;
}

/**
 * Determines the lifetime of a refresh token in seconds; null if it is unknown. The template's lifetime counts from the
 * issue of a token: it applies only if this response issued one.
 */
export function refreshLifetime(
  members: ResponseMembers,
  issued: boolean,
  template: ProviderTemplate,
  providerNow: Date,
): number | null {
  const { lifetimeDays } = template.refreshToken;
  return (
    statedLifetime(members, refreshMembers, template.expiry.unit, providerNow) ??
    (issued && lifetimeDays !== null ? lifetimeDays * 86_400 : null)
  );
}

function statedLifetime(
  members: ResponseMembers,
  names: { durations: readonly string[]; instants: readonly string[] },
  unit: Exclude<TimeUnit, 'instant'>,
  providerNow: Date,
): number | null {
  const memberOf = createMemberLookup(members);
  const candidates = [
    ...names.durations.map((name) => [name, unit] as const),
    ...names.instants.map((name) => [name, 'instant'] as const),
  ];
  for (const [name, meaning] of candidates) {
    const lifetime = readLifetime(memberOf(name), meaning, providerNow);
    if (lifetime !== null) return lifetime;
  }
  return null;
}

/** Checks whether the response states an instant of expiry that has passed, however long ago. */
export function statesPastExpiry(
  members: ResponseMembers,
  accessToken: string | null,
  { absolute }: ProviderTemplate['expiry'],
  now: Date,
): boolean {
  const memberOf = createMemberLookup(members);
  const stated = [
    ...(absolute === null ? [] : [valueAt(members, absolute)]),
    ...accessMembers.instants.map(memberOf),
    readJwtClaims(accessToken)?.exp,
  ];
  return stated.some((value) => isPastInstant(value, now));
}

/** Finds members by name in any spelling. A member of exactly that name comes first. */
function createMemberLookup(members: ResponseMembers): (name: string) => unknown {
  const bySpelling = new Map<string, unknown>();
  for (const [name, value] of Object.entries(members)) {
    const plain = plainName(name);
    if (!bySpelling.has(plain)) bySpelling.set(plain, value);
  }
  return (name) => (Object.hasOwn(members, name) ? members[name] : bySpelling.get(plainName(name)));
}

/** Reduces a member's name to its letters: `x_refresh_token_expires_in` and `refreshTokenExpiresIn` are the same. */
function plainName(name: string): string {
  return name
    .toLowerCase()
    .replace(/^x[_-]/, '')
    .replaceAll(/[^a-z]/g, '');
}
