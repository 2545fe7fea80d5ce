import { type ConnectionSettings, usesKeyAuthentication } from '../../domain/connections/connection.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import { type Fault, invalidRequest } from '../../domain/errors.ts';
import type { OAuthGateway, ProviderCatalogue } from '../../domain/ports/oauth.ts';
import type { Secret } from '../../domain/secret.ts';

/** Settings of a request. Null scopes mean the template's defaults. */
export type WrittenSettings = Omit<ConnectionSettings, 'scopes'> & { scopes: string[] | null };

/** Fills in the scopes. Throws invalid_request with all faults for settings that can never connect. */
export type CheckSettings = (written: WrittenSettings, secret: WrittenSecret) => ConnectionSettings;

/** Client secret of a request: a new one, the stored one, or none. */
export type WrittenSecret = Secret | 'kept' | null;

export interface CheckSettingsDeps {
  oauth: Pick<OAuthGateway, 'validate' | 'secretFaults'>;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  /** PUBLIC_URL with BASE_PATH: providers redirect browsers to it. */
  baseUrl: () => string;
}

export function createCheckSettings({ oauth, catalogue, baseUrl }: CheckSettingsDeps): CheckSettings {
  const secretFaults = (
    settings: ConnectionSettings,
    template: ProviderTemplate | undefined,
    secret: WrittenSecret,
  ): Fault[] => {
    if (secret === null) return missingSecret(settings, template);
    // A stored secret was checked when it arrived. A change of method requires a new one.
    return secret === 'kept' ? [] : oauth.secretFaults(settings, secret);
  };
  return (written, secret) => {
    const template = catalogue.find(written.provider);
    const settings = { ...written, scopes: written.scopes ?? [...(template?.defaultScopes ?? [])] };
    const faults: Fault[] = [
      ...oauth.validate(settings),
      ...secretFaults(settings, template, secret),
      ...unprotectedCode(settings, template, secret),
      ...unsafeResponseMode(settings, template, baseUrl()),
    ];
    const [first, ...rest] = faults;
    if (first !== undefined) throw invalidRequest(first, ...rest);
    return settings;
  };
}

function missingSecret(settings: ConnectionSettings, template: ProviderTemplate | undefined): Fault[] {
  const method = settings.tokenAuthMethod ?? template?.tokenAuthMethod ?? null;
  if (usesKeyAuthentication(method)) return [{ path: 'client_secret', message: `needed by ${method}` }];
  if (settings.flow !== 'client_credentials' || method === 'none') return [];
  return [{ path: 'client_secret', message: 'needed by client_credentials' }];
}

/**
 * Refuses a client that neither authenticates nor uses PKCE (RFC 9700 §2.1.1): a leaked authorization code would be
 * enough to obtain its tokens.
 */
function unprotectedCode(
  settings: ConnectionSettings,
  template: ProviderTemplate | undefined,
  secret: WrittenSecret,
): Fault[] {
  const method = settings.tokenAuthMethod ?? template?.tokenAuthMethod ?? null;
  const usesPkce = settings.pkce ?? template?.pkce ?? true;
  if (settings.flow !== 'authorization_code' || usesPkce || (secret !== null && method !== 'none')) return [];
  const message = 'must not be off for a client that does not authenticate with a client_secret';
  return settings.pkce === false
    ? [{ path: 'pkce', message }]
    : [{ path: 'client_secret', message: `needed by ${template?.displayName}, which takes no PKCE` }];
}

/**
 * Refuses form_post without https. Its callback is a cross-site POST: the browser sends the cookie only if it is
 * SameSite=None, which requires Secure, which requires https.
 */
function unsafeResponseMode(
  settings: ConnectionSettings,
  template: ProviderTemplate | undefined,
  baseUrl: string,
): Fault[] {
  const mode = settings.authorizeParams.response_mode ?? template?.authorizeParams.response_mode;
  if (settings.flow !== 'authorization_code' || mode !== 'form_post' || baseUrl.startsWith('https:')) return [];
  return [
    {
      path: 'authorize_params.response_mode',
      message: 'form_post needs a public URL with https, and this one is http',
    },
  ];
}
