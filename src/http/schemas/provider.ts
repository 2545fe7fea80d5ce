import { z } from 'zod';
import { flows, tokenAuthMethods } from '../../domain/connection.ts';
import type { ProviderTemplate } from '../../domain/template.ts';

const summaryShape = {
  id: z.string(),
  display_name: z.string(),
  documentation_url: z.string().nullable(),
  flows: z.array(z.enum(flows)),
  default_scopes: z.array(z.string()),
};

export const providerSummary = z.object(summaryShape).meta({ id: 'ProviderSummary' });

export const providerDetail = z
  .object({
    ...summaryShape,
    authorization_url: z.string().nullable().describe('May hold placeholders, see variables.'),
    token_url: z.string().nullable(),
    revocation_url: z.string().nullable(),
    variables: z.record(
      z.string(),
      z.object({ pattern: z.string(), default: z.string().nullable(), description: z.string() }),
    ),
    token_auth_method: z.enum(tokenAuthMethods),
    pkce: z.boolean(),
    scope_separator: z.string(),
    authorize_params: z.record(z.string(), z.string()),
    refresh_token: z.object({
      rotates: z.boolean().nullable(),
      lifetime_days: z.number().nullable(),
      idle_days: z.number().nullable(),
    }),
    has_test: z.boolean(),
  })
  .meta({ id: 'Provider' });

export const providerList = z.object({ providers: z.array(providerSummary) }).meta({ id: 'ProviderList' });

export function toProviderSummary(template: ProviderTemplate): z.input<typeof providerSummary> {
  return {
    id: template.id,
    display_name: template.displayName,
    documentation_url: template.documentationUrl,
    flows: [...template.flows],
    default_scopes: [...template.defaultScopes],
  };
}

export function toProviderDetail(template: ProviderTemplate): z.input<typeof providerDetail> {
  return {
    ...toProviderSummary(template),
    authorization_url: template.authorizationUrl,
    token_url: template.tokenUrl,
    revocation_url: template.revocation?.url ?? null,
    variables: template.variables,
    token_auth_method: template.tokenAuthMethod,
    pkce: template.pkce,
    scope_separator: template.scopeSeparator,
    authorize_params: template.authorizeParams,
    refresh_token: {
      rotates: template.refreshToken.rotates,
      lifetime_days: template.refreshToken.lifetimeDays,
      idle_days: template.refreshToken.idleDays,
    },
    has_test: template.test !== null,
  };
}
