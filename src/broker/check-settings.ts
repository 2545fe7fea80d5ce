import { type ConnectionSettings, provesWithKey } from '../domain/connection.ts';
import { type Fault, invalidRequest } from '../domain/errors.ts';
import type { OAuthGateway, ProviderCatalogue } from '../domain/ports/oauth.ts';
import type { Secret } from '../domain/secret.ts';
import type { ProviderTemplate } from '../domain/template.ts';

/** Settings as a request leaves them: scopes null asks for the template's defaults. */
export type WrittenSettings = Omit<ConnectionSettings, 'scopes'> & { scopes: string[] | null };

/** Fills in the scopes and throws invalid_request, with every fault at once, for settings that could never connect. */
export type CheckSettings = (written: WrittenSettings, secret: WrittenSecret) => ConnectionSettings;

/** The secret as a request leaves it: a new one, the one already held, or none. */
export type WrittenSecret = Secret | 'kept' | null;

export interface CheckSettingsDeps {
  oauth: Pick<OAuthGateway, 'validate' | 'secretFaults'>;
  catalogue: Pick<ProviderCatalogue, 'find'>;
  /** PUBLIC_URL with BASE_PATH: where providers send browsers back to. */
  baseUrl: () => string;
}

export function createCheckSettings({ oauth, catalogue, baseUrl }: CheckSettingsDeps): CheckSettings {
  const secretFaults = (
    settings: ConnectionSettings,
    template: ProviderTemplate | undefined,
    secret: WrittenSecret,
  ): Fault[] => {
    if (secret === null) return missingSecret(settings, template);
    // A held one was judged when it came; a change of method takes a new one.
    return secret === 'kept' ? [] : oauth.secretFaults(settings, secret);
  };
  return (written, secret) => {
    const template = catalogue.find(written.provider);
    const settings = { ...written, scopes: written.scopes ?? [...(template?.defaultScopes ?? [])] };
    const faults: Fault[] = [
      ...oauth.validate(settings),
      ...secretFaults(settings, template, secret),
      ...unsafeResponseMode(settings, template, baseUrl()),
    ];
    const [first, ...rest] = faults;
    if (first !== undefined) throw invalidRequest(first, ...rest);
    return settings;
  };
}

function missingSecret(settings: ConnectionSettings, template: ProviderTemplate | undefined): Fault[] {
  const method = settings.tokenAuthMethod ?? template?.tokenAuthMethod ?? null;
  if (provesWithKey(method)) return [{ path: 'client_secret', message: `needed by ${method}` }];
  if (settings.flow !== 'client_credentials' || method === 'none') return [];
  return [{ path: 'client_secret', message: 'needed by client_credentials' }];
}

/**
 * A form_post callback is a cross-site POST. The browser sends our cookie with it only if that is SameSite=None, which
 * takes Secure, which takes https.
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
