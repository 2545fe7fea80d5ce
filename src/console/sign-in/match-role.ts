import { type ConsoleRole, roleOfClaims } from '../../domain/callers/console-role.ts';
import { isProven } from '../../domain/callers/trusted-issuer.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Returns the first configured role that a value of the claim matches, or undefined. */
export function matchRole(claims: Claims, claim: string, roles: readonly ConsoleRole[]): ConsoleRole | undefined {
  return roleOfClaims(roles, claimValues(claims, claim));
}

/**
 * Lists the values of a claim that is a text or a list of texts; other members of the list are left out. An address that
 * the provider has not verified has none.
 */
export function claimValues(claims: Claims, claim: string): string[] {
  if (!isProven(claims, claim)) return [];
  const value = findClaim(claims, claim);
  return (Array.isArray(value) ? value : [value]).filter((each): each is string => typeof each === 'string');
}

/**
 * Finds a claim by its name, by a JSON pointer (RFC 6901), or by names with dots between (`realm_access.roles`). The exact
 * name comes first: names that are URLs hold both slashes and dots.
 */
export function findClaim(claims: Claims, claim: string): unknown {
  if (Object.hasOwn(claims, claim)) return claims[claim];
  return namesOf(claim).reduce<unknown>(member, claims);
}

/** Returns the member at the top that holds the claim. */
export function outermostName(claim: string): string {
  return namesOf(claim)[0] ?? claim;
}

function namesOf(claim: string): string[] {
  if (!claim.startsWith('/')) return claim.split('.');
  return claim
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Reads a member that the object itself has: `constructor` and its like are members of every object. */
function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
