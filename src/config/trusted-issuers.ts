import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { permissions, type Reach } from '../domain/callers/caller.ts';
import { signatureAlgorithms, type TrustedIssuer } from '../domain/callers/trusted-issuer.ts';
import { organizationIdPattern } from '../domain/connections/connection.ts';

const nonEmpty = z.string().min(1);
/** The issuer is part of the caller's id, which an index of the audit trail bounds. */
export const maxIssuerLength = 500;

/** Members of a rule that say what a caller may do. */
export const rights = {
  permissions: z.array(z.enum(permissions)).min(1),
  organizations: z.union([z.literal('*'), z.array(z.string().regex(organizationIdPattern))]),
  global: z.boolean().default(false),
  /** Patterns of connection names for credentials:read. Absent allows every name. */
  connections: z
    .array(z.string().regex(/^[a-zA-Z0-9_*-]{1,100}$/, 'is not a pattern of connection names'))
    .min(1)
    .nullable()
    .default(null),
  rate_limit_per_minute: z.int().min(1).nullable().default(null),
};

/** Arguments of `refine` for rights: they must reach an organisation or the global scope. */
export const reachesSomething = [
  ({ organizations, global }: Reach) => organizations.length > 0 || global,
  { path: ['organizations'], message: 'names none, and the rule has no right to the global scope either' },
] satisfies [check: unknown, options: unknown];

/** Permissions of a token whose claims all match. The first matching rule decides. */
const rule = z
  .strictObject({
    /** Maps each claim to its required value. `*` in a value matches any run of characters. */
    claims: z
      .record(nonEmpty, nonEmpty)
      .refine((claims) => Object.keys(claims).length > 0, 'must name at least one claim')
      .refine(
        (claims) => Object.values(claims).some((value) => /[^*]/.test(value)),
        'matches every token of the issuer: give at least one claim a value other than *',
      ),
    ...rights,
  })
  .refine(...reachesSomething)
  .transform(({ rate_limit_per_minute: rateLimitPerMinute, ...rest }) => ({ ...rest, rateLimitPerMinute }));

const issuer = z
  .strictObject({
    issuer: nonEmpty.max(maxIssuerLength),
    audiences: z.array(nonEmpty).min(1),
    /** Absent: read from the issuer's discovery document (OpenID Connect Discovery 1.0 §4). */
    jwks_uri: nonEmpty.nullable().default(null),
    algorithms: z
      .array(z.enum(signatureAlgorithms))
      .min(1)
      .default([...signatureAlgorithms]),
    allow_private_network: z.boolean().default(false),
    ca_file: nonEmpty.nullable().default(null),
    rules: z.array(rule).min(1),
  })
  .superRefine((value, context) => {
    for (const member of ['issuer', 'jwks_uri'] as const) {
      const message = urlFault(value[member], value.allow_private_network, member === 'issuer');
      if (message !== undefined) context.addIssue({ code: 'custom', path: [member], message });
    }
    const message = value.ca_file === null ? undefined : certificateFault(value.ca_file);
    if (message !== undefined) context.addIssue({ code: 'custom', path: ['ca_file'], message });
  })
  .transform(
    ({ issuer, audiences, jwks_uri, algorithms, allow_private_network, ca_file, rules }): TrustedIssuer => ({
      issuer,
      audiences,
      jwksUri: jwks_uri,
      algorithms,
      allowPrivateNetwork: allow_private_network,
      caFile: ca_file,
      rules,
    }),
  );

export function urlFault(url: string | null, allowsHttp: boolean, isIssuer: boolean): string | undefined {
  if (url === null) return undefined;
  if (!URL.canParse(url)) return 'must be an https URL';
  const { protocol, username, password, search, hash } = new URL(url);
  if (protocol !== 'https:' && !(protocol === 'http:' && allowsHttp)) return 'must be an https URL';
  if (username !== '' || password !== '') return 'must not hold a user name or password';
  // OpenID Connect Core §2: an issuer has no query and no fragment.
  return isIssuer && (search !== '' || hash !== '' || /[?#]/.test(url))
    ? 'must have no query and no fragment'
    : undefined;
}

export function certificateFault(path: string): string | undefined {
  try {
    new X509Certificate(readFileSync(path));
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code?.startsWith('ERR_') === false ? `cannot be read (${code})` : 'holds no certificate in PEM';
  }
}

/** TRUSTED_ISSUERS: a JSON array of workload identity issuers. */
export const trustedIssuers = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON' });
      return z.NEVER;
    }
  })
  .pipe(
    z.array(issuer).superRefine((issuers, context) => {
      for (const [at, one] of issuers.entries()) {
        if (issuers.findIndex((other) => other.issuer === one.issuer) < at)
          context.addIssue({ code: 'custom', path: [at, 'issuer'], message: 'is there more than once' });
      }
    }),
  )
  .default([]);
