import { z } from 'zod';
import type { ConsoleRole } from '../domain/callers/console-role.ts';
import type { ConsoleSignIn } from '../domain/callers/console-sign-in.ts';
import { Secret } from '../domain/secret.ts';
import type { VariableFault } from './secret-files.ts';
import { certificateFault, maxIssuerLength, reachesSomething, rights, urlFault } from './trusted-issuers.ts';

const names = [
  'CONSOLE_OIDC_ISSUER',
  'CONSOLE_OIDC_CLIENT_ID',
  'CONSOLE_OIDC_CLIENT_SECRET',
  'CONSOLE_OIDC_ROLES',
] as const;
/** Maximum roles. Each is compared with every value of the claim. */
const maxRoles = 200;

const role = z
  .strictObject({
    /** Required value of the claim. `*` in it matches any run of characters. */
    value: z
      .string()
      .min(1)
      .max(200)
      .refine((value) => /^$|[^*]/.test(value), 'matches everyone who has the claim: give a value other than *'),
    ...rights,
  })
  .refine(...reachesSomething)
  .transform(
    ({ rate_limit_per_minute: rateLimitPerMinute, ...rest }): ConsoleRole => ({ ...rest, rateLimitPerMinute }),
  );

const settings = z.strictObject({
  claim: z.string().min(1).max(200),
  roles: z
    .array(role)
    .min(1)
    .max(maxRoles)
    .superRefine((roles, context) => {
      for (const [at, { value }] of roles.entries()) {
        if (roles.findIndex((other) => other.value === value) < at)
          context.addIssue({ code: 'custom', path: [at, 'value'], message: 'is there more than once' });
      }
    }),
  // RFC 6749 §3.3: characters of a scope.
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'is not a scope'))
    .refine((scopes) => scopes.includes('openid'), 'must name openid, without which there is no ID token')
    .default(['openid', 'profile', 'email']),
  allow_private_network: z.boolean().default(false),
  ca_file: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .superRefine((file, context) => {
      const message = file === null ? undefined : certificateFault(file);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    }),
});

export const consoleSignInVariables = {
  CONSOLE_OIDC_ISSUER: z
    .string()
    .max(maxIssuerLength, `must have ${maxIssuerLength} characters or fewer`)
    .superRefine((url, context) => {
      const message = urlFault(url, true, true);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    })
    .optional(),
  CONSOLE_OIDC_CLIENT_ID: z.string().optional(),
  CONSOLE_OIDC_CLIENT_SECRET: z
    .string()
    .transform((text) => new Secret(text))
    .optional(),
  CONSOLE_OIDC_ROLES: z
    .string()
    .transform((text, context): unknown => {
      const value = parse(text);
      if (value === undefined) context.addIssue({ code: 'custom', message: 'must be JSON' });
      return value;
    })
    .pipe(settings)
    .optional(),
};

type Values = z.infer<z.ZodObject<typeof consoleSignInVariables>>;

/** Finds variables of the sign-in that are missing beside others, and an issuer over http that is not allowed. */
export function consoleSignInFaults(values: Record<string, string>): VariableFault[] {
  const given = names.find((name) => values[name] !== undefined);
  const missing = names.filter((name) => given !== undefined && values[name] === undefined);
  const faults: VariableFault[] = missing.map((variable) => ({ variable, message: `is required with ${given}` }));
  if (/^http:/i.test(values.CONSOLE_OIDC_ISSUER ?? '') && !allowsPrivateNetwork(values.CONSOLE_OIDC_ROLES)) {
    const message = 'must be an https URL, unless CONSOLE_OIDC_ROLES has "allow_private_network": true';
    faults.push({ variable: 'CONSOLE_OIDC_ISSUER', message });
  }
  return faults;
}

/** Returns null if the variables are absent. */
export function toConsoleSignIn(values: Values): ConsoleSignIn | null {
  const { CONSOLE_OIDC_ISSUER: issuer, CONSOLE_OIDC_CLIENT_ID: clientId } = values;
  const { CONSOLE_OIDC_CLIENT_SECRET: clientSecret, CONSOLE_OIDC_ROLES: given } = values;
  if (issuer === undefined || clientId === undefined || clientSecret === undefined || given === undefined) return null;
  const { claim, roles, scopes, allow_private_network: allowPrivateNetwork, ca_file: caFile } = given;
  return { issuer, clientId, clientSecret, scopes, claim, roles, allowPrivateNetwork, caFile };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function allowsPrivateNetwork(text = ''): boolean {
  const value = parse(text);
  return typeof value === 'object' && value !== null && 'allow_private_network' in value
    ? value.allow_private_network === true
    : false;
}
