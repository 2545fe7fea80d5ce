import { z } from 'zod';
import { permissions } from '../domain/caller.ts';
import { organizationIdPattern } from '../domain/connection.ts';

const httpsUrl = z.string().refine((text) => text.startsWith('https://') && URL.canParse(text), 'must be an https URL');
const nonEmpty = z.string().min(1);

/** What a token whose claims all match may do; the first rule that matches decides. */
const rule = z.strictObject({
  /** Claim → the value it must have; `*` in a value matches any run of characters. */
  claims: z
    .record(nonEmpty, nonEmpty)
    .refine((claims) => Object.keys(claims).length > 0, 'must name at least one claim'),
  permissions: z.array(z.enum(permissions)).min(1),
  organizations: z.union([z.literal('*'), z.array(z.string().regex(organizationIdPattern)).min(1)]),
  global: z.boolean().default(false),
  /** Patterns of connection names for credentials:read; absent means every name. */
  connections: z.array(nonEmpty).min(1).nullable().default(null),
});

const issuer = z.strictObject({
  issuer: httpsUrl,
  audiences: z.array(nonEmpty).min(1),
  /** Absent: found through the issuer's discovery document. */
  jwks_uri: httpsUrl.nullable().default(null),
  rules: z.array(rule).min(1),
});

export type TrustedIssuer = z.infer<typeof issuer>;

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
  .pipe(z.array(issuer))
  .default([]);
