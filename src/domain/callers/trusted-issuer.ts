import { type Caller, matchesPattern, type Permission, type Reach } from './caller.ts';

/** Algorithms that tokens may be signed with. Symmetric ones would make the public key of an issuer its secret. */
export const signatureAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;
export type SignatureAlgorithm = (typeof signatureAlgorithms)[number];

/** Rights of the tokens whose claims match. */
export interface ClaimRule extends Reach {
  /** Required value of each claim. `*` in a value matches any run of characters. */
  claims: Readonly<Record<string, string>>;
  permissions: readonly Permission[];
  /** Patterns of connection names for credentials:read; null allows every name. */
  connections: readonly string[] | null;
  rateLimitPerMinute: number | null;
}

/** An OpenID Connect issuer whose tokens authenticate callers. */
export interface TrustedIssuer {
  /** Compared with `iss` character by character. */
  issuer: string;
  /** A token must name at least one of them in `aud`. */
  audiences: readonly string[];
  /** Null: read from the issuer's discovery document. */
  jwksUri: string | null;
  algorithms: readonly SignatureAlgorithm[];
  /** True if the issuer's keys may be read from private and loopback addresses, and over http there. */
  allowPrivateNetwork: boolean;
  /** PEM file of the CAs that the issuer's certificate is checked with, instead of the system's; null for the system's. */
  caFile: string | null;
  /** The first rule that matches decides. */
  rules: readonly ClaimRule[];
}

/** Claims of a token whose signature, issuer, audience and times are verified. */
export interface VerifiedClaims {
  issuer: string;
  subject: string;
  claims: Readonly<Record<string, unknown>>;
  expiresAt: Date;
}

/** Claims that prove nothing until the issuer has verified them, with the claim that says so (OpenID Connect Core §5.1). */
const verifiedBy: Readonly<Record<string, string>> = {
  email: 'email_verified',
  phone_number: 'phone_number_verified',
};

/** Maps a verified token to a caller by the first rule that matches. Returns undefined if none does. */
export function callerOfClaims({ rules }: Pick<TrustedIssuer, 'rules'>, verified: VerifiedClaims): Caller | undefined {
  const rule = rules.find(({ claims }) => matchesAll(claims, verified.claims));
  if (rule === undefined) return undefined;
  const { permissions, organizations, global, connections, rateLimitPerMinute } = rule;
  return {
    id: workloadIdOf(verified),
    name: verified.subject,
    permissions,
    organizations,
    global,
    connections,
    expiresAt: verified.expiresAt,
    rateLimitPerMinute,
  };
}

/** Id of a workload as a caller. An issuer has no fragment, so the parts cannot be confused. */
function workloadIdOf({ issuer, subject }: VerifiedClaims): string {
  return `workload:${issuer}#${subject}`;
}

function matchesAll(required: ClaimRule['claims'], claims: VerifiedClaims['claims']): boolean {
  const names = Object.keys(required);
  return names.length > 0 && names.every((name) => matchesClaim(required[name] ?? '', claims, name));
}

/** Checks whether the issuer has verified a claim, if the claim is one that needs it. */
export function isProven(claims: VerifiedClaims['claims'], name: string): boolean {
  const proof = Object.hasOwn(verifiedBy, name) ? verifiedBy[name] : undefined;
  return proof === undefined || isTrue(ownClaim(claims, proof));
}

function matchesClaim(pattern: string, claims: VerifiedClaims['claims'], name: string): boolean {
  if (!isProven(claims, name)) return false;
  const value = ownClaim(claims, name);
  return (Array.isArray(value) ? value : [value]).some((each: unknown) => {
    const text = textOf(each);
    return text !== undefined && matchesPattern(pattern, text);
  });
}

/** Reads a member that the token itself has: `constructor` and its like are members of every object. */
function ownClaim(claims: VerifiedClaims['claims'], name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** Some issuers write booleans as text. */
function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}

/** Objects, nulls and fractions have no text: they match no pattern, not even `*`. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'boolean' || Number.isSafeInteger(value) ? String(value) : undefined;
}
