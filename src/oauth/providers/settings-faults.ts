import type { ConnectionSettings } from '../../domain/connections/connection.ts';
import type { ProviderTemplate } from '../../domain/connections/template.ts';
import type { Fault } from '../../domain/errors.ts';
import { scopeTokenPattern } from '../../domain/grants/scopes.ts';
import type { ProviderCatalogue } from '../../domain/ports/oauth.ts';
import type { GuardedHttp } from '../../outbound/guarded-http.ts';
import { isProtocolName } from './protocol-names.ts';
import { type Provider, resolveProvider } from './resolve-provider.ts';
import { variableValue } from './template-urls.ts';

/** Finds all faults of a configuration. `path` is the field's name in the API. */
export function settingsFaults(
  catalogue: ProviderCatalogue,
  http: Pick<GuardedHttp, 'urlFault'>,
  settings: ConnectionSettings,
): Fault[] {
  const provider = resolveProvider(catalogue, settings);
  if (provider === undefined) return [{ path: 'provider', message: 'There is no provider template of that id.' }];
  return [
    ...flowFaults(provider.template, settings),
    ...variableFaults(provider.template, settings.variables),
    ...urlFaults(provider, http),
    ...certificateFaults(provider),
    ...scopeFaults(provider.template, settings.scopes),
    ...parameterFaults('authorize_params', settings.authorizeParams),
    ...parameterFaults('token_params', settings.tokenParams),
  ];
}

function flowFaults(template: ProviderTemplate, { flow, tokenAuthMethod }: ConnectionSettings): Fault[] {
  const faults: Fault[] = [];
  if (!template.flows.includes(flow)) {
    faults.push({ path: 'oauth_flow_type', message: `${template.displayName} supports ${template.flows.join(', ')}.` });
  }
  // RFC 6749 §4.4: only confidential clients may use client_credentials.
  if (flow === 'client_credentials' && tokenAuthMethod === 'none') {
    faults.push({ path: 'token_auth_method', message: 'client_credentials needs a client that authenticates.' });
  }
  return faults;
}

/** A client certificate needs a TLS handshake; plain http (allowed to private networks) has none. */
function certificateFaults({ settings, template, ...urls }: Provider): Fault[] {
  const method = settings.tokenAuthMethod ?? template.tokenAuthMethod;
  if (method !== 'tls_client_auth' && method !== 'self_signed_tls_client_auth') return [];
  const plain = (url: string | null) => url !== null && URL.canParse(url) && new URL(url).protocol === 'http:';
  return [
    ...(plain(urls.tokenUrl) ? [{ path: 'token_url', message: `${method} needs https.` }] : []),
    ...(plain(urls.revocationUrl) ? [{ path: 'revocation_url', message: `${method} needs https.` }] : []),
  ];
}

function variableFaults(template: ProviderTemplate, variables: Record<string, string>): Fault[] {
  const unknown = Object.keys(variables)
    .filter((name) => !Object.hasOwn(template.variables, name))
    .map((name) => ({ path: `variables.${name}`, message: 'The provider template has no such variable.' }));
  const missingOrInvalid = Object.entries(template.variables)
    .filter(([name]) => variableValue(template, variables, name) === undefined)
    .map(([name, { pattern, description }]) => ({
      path: `variables.${name}`,
      message: Object.hasOwn(variables, name) ? `It must match ${pattern}.` : `It is required: ${description}`,
    }));
  return [...unknown, ...missingOrInvalid];
}

function urlFaults(provider: Provider, http: Pick<GuardedHttp, 'urlFault'>): Fault[] {
  const { settings, template } = provider;
  const interactive = settings.flow === 'authorization_code';
  const inFragment = template.authorizeParamsIn === 'fragment';
  const variablesAreValid = variableFaults(template, settings.variables).length === 0;
  const fault = (path: string, url: string | null, templated: string | null, fragmentAllowed = false): Fault[] => {
    if (url === null && templated === null) return [{ path, message: 'It is required.' }];
    // Values that match their patterns can still form an invalid URL, or a URL of another host (`0x7f.1`).
    if (url === null) return variablesAreValid ? [{ path, message: 'The variables do not make a valid URL.' }] : [];
    const message =
      http.urlFault(url) ?? (!fragmentAllowed && url.includes('#') ? 'It must not have a fragment.' : null);
    return message === null ? [] : [{ path, message }];
  };
  return [
    ...(interactive || settings.authorizationUrl !== null
      ? fault('authorization_url', provider.authorizationUrl, template.authorizationUrl, inFragment)
      : []),
    ...fault('token_url', provider.tokenUrl, template.tokenUrl),
    ...(provider.revocationUrl === null ? [] : fault('revocation_url', provider.revocationUrl, null)),
    ...(settings.testUrl === null ? [] : fault('test_url', settings.testUrl, null)),
  ];
}

function scopeFaults({ scopeSeparator }: ProviderTemplate, scopes: readonly string[]): Fault[] {
  const isInvalid = (scope: string) => !scopeTokenPattern.test(scope) || scope.includes(scopeSeparator);
  return scopes.flatMap((scope, index) =>
    isInvalid(scope) ? [{ path: `scopes.${index}`, message: 'It is not a valid scope.' }] : [],
  );
}

function parameterFaults(field: string, parameters: Record<string, string>): Fault[] {
  return Object.entries(parameters).flatMap(([name, value]) => {
    const path = `${field}.${name}`;
    if (isProtocolName(name)) return [{ path, message: 'The protocol sets this parameter itself.' }];
    if (name === 'response_mode' && value !== 'query' && value !== 'form_post') {
      return [{ path, message: 'It must be query or form_post.' }];
    }
    return [];
  });
}
