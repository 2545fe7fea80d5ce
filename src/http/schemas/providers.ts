import { z } from 'zod';
import { flows, tokenAuthMethods } from '../../domain/connections/connection.ts';
import { type ProviderTemplate, revocationExtents } from '../../domain/connections/template.ts';
import { extraOf, fieldsOf, revocationEndsOf } from '../../domain/connections/template-fields.ts';

const field = z
  .object({
    name: z.string().describe('Member of a connection; a variable is `variables.NAME`.'),
    required: z.boolean().describe('Whether a connection is refused without it.'),
    description: z.string(),
    pattern: z.string().nullable().describe('Pattern of the whole value; null: none is stated.'),
    default: z.string().nullable(),
  })
  .meta({ id: 'ProviderField' });

const redirectUris = z
  .object({
    global: z.string().nullable().describe('For a connection of the global scope; null without the right to it.'),
    organization: z
      .string()
      .nullable()
      .describe(
        'For a connection of the organisation in X-Organization-Id, or of the key’s only one; null without one.',
      ),
  })
  .describe(
    'Redirect URI to register at the provider. `{connection_name}` stands for the name that the connection will have.',
  )
  .meta({ id: 'RedirectUris' });

const summaryShape = {
  id: z.string(),
  display_name: z.string(),
  documentation_url: z.string().nullable(),
  flows: z.array(z.enum(flows)),
  default_scopes: z.array(z.string()),
  redirect_uris: redirectUris,
  fields: z.array(field).describe('Fields of a connection for this provider.'),
  extra: z.array(z.string()).describe('Names of the values that credentials carry in `extra`.'),
  setup_notes: z.array(z.string()).describe('Sentences for the person who registers the client at the provider.'),
  revocation_ends: z
    .object({ what: z.enum(revocationExtents), sentence: z.string() })
    .nullable()
    .describe('What a revocation ends at the provider; null: not known.'),
};

export const providerSummary = z.object(summaryShape).meta({ id: 'ProviderSummary' });

export const providerDetail = z
  .object({
    ...summaryShape,
    authorization_url: z.string().nullable().describe('May contain placeholders; `variables` lists them.'),
    token_url: z.string().nullable(),
    revocation_url: z.string().nullable(),
    test_url: z.string().nullable(),
    variables: z.record(
      z.string(),
      z.object({ pattern: z.string(), default: z.string().nullable(), description: z.string() }),
    ),
    token_auth_method: z.enum(tokenAuthMethods),
    pkce: z.boolean(),
    scope_separator: z.string(),
    authorize_params: z.record(z.string(), z.string()),
    access_token: z.object({
      lifetime_seconds: z.number().nullable().describe('Used if the token response states no lifetime.'),
    }),
    refresh_token: z.object({
      rotates: z.boolean().nullable(),
      lifetime_days: z.number().nullable(),
      lifetime_counts: z.enum(['from_consent', 'from_issue']),
      idle_days: z.number().nullable(),
    }),
    has_test: z.boolean(),
  })
  .meta({ id: 'Provider' });

export const providerList = z.object({ providers: z.array(providerSummary) }).meta({ id: 'ProviderList' });

export type RedirectUris = z.input<typeof redirectUris>;

/** `redirectUris` are left out for a provider without a browser flow. */
export function toProviderSummary(
  template: ProviderTemplate,
  redirectUris: RedirectUris,
): z.input<typeof providerSummary> {
  const isInteractive = template.flows.includes('authorization_code');
  return {
    id: template.id,
    display_name: template.displayName,
    documentation_url: template.documentationUrl,
    flows: [...template.flows],
    default_scopes: [...template.defaultScopes],
    redirect_uris: isInteractive ? redirectUris : { global: null, organization: null },
    fields: fieldsOf(template),
    extra: extraOf(template),
    setup_notes: [...template.setupNotes],
    revocation_ends: revocationEndsOf(template),
  };
}

export function toProviderDetail(
  template: ProviderTemplate,
  redirectUris: RedirectUris,
): z.input<typeof providerDetail> {
  return {
    ...toProviderSummary(template, redirectUris),
    authorization_url: template.authorizationUrl,
    token_url: template.tokenUrl,
    revocation_url: template.revocation?.url ?? null,
    test_url: template.test?.url ?? null,
    variables: template.variables,
    token_auth_method: template.tokenAuthMethod,
    pkce: template.pkce,
    scope_separator: template.scopeSeparator,
    authorize_params: template.authorizeParams,
    access_token: { lifetime_seconds: template.expiry.defaultLifetimeSeconds },
    refresh_token: {
      rotates: template.refreshToken.rotates,
      lifetime_days: template.refreshToken.lifetimeDays,
      lifetime_counts: template.refreshToken.lifetimeCounts,
      idle_days: template.refreshToken.idleDays,
    },
    has_test: template.test !== null,
  };
}
