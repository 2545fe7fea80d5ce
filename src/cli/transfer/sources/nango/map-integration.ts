import type { NewConnection } from '../../../../client/token-broker.ts';
import { connectionNameOf } from '../connection-name.ts';
import { matchTemplate, type Template } from '../match-template.ts';
import { parametersOf, recordOf, scopesOf, textOf } from '../values.ts';

type Json = Readonly<Record<string, unknown>>;

/** An integration of Nango with its client and its provider. */
export interface Integration {
  key: string;
  /** `data` of GET /integrations/{uniqueKey}?include=credentials. */
  details: Json;
  /** `data` of GET /providers/{provider}. */
  provider: Json;
}

/** Connection of the broker for the connections of an integration with this configuration, or why there is none. */
export type Mapped = { connection: NewConnection } | { reason: string };

/** `${connectionConfig.subdomain}`; older files write `${connectionConfig.params.subdomain}`. */
const placeholder = /\$\{connectionConfig\.(?:params\.)?(\w+)\}/g;

/** People type these values: one with a slash, or an @, would send the client secret to a host of their choice. */
const hostPart = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(:\d{1,5})?$/;

/**
 * Maps an integration. Some providers have addresses that differ by account, such as a subdomain. Each set of values
 * becomes a connection of its own, named after them.
 */
export function mapIntegration(integration: Integration, config: Json, templates: readonly Template[]): Mapped {
  const { key, details, provider } = integration;
  const mode = textOf(provider.auth_mode);
  if (mode !== 'OAUTH2') return { reason: `the integration ${key} is no OAuth 2.0 with a person (${mode})` };
  const credentials = recordOf(details.credentials);
  const clientId = textOf(credentials.client_id);
  if (clientId === undefined) return { reason: `Nango returns no client id for the integration ${key}` };
  const values = new Map<string, string>();
  const authorizationUrl = fill(textOf(provider.authorization_url), config, values);
  const tokenUrl = fill(tokenUrlOf(provider), config, values);
  if ('reason' in authorizationUrl) return authorizationUrl;
  if ('reason' in tokenUrl) return tokenUrl;
  const urls = { authorizationUrl: authorizationUrl.url, tokenUrl: tokenUrl.url };
  const match = matchTemplate(templates, urls, textOf(details.provider) ?? '');
  const refusal = match === undefined ? refusalOf(key, provider) : undefined;
  if (refusal !== undefined) return { reason: refusal };
  const secret = textOf(credentials.client_secret);
  const scopes = scopesOf(credentials.scopes);
  return {
    connection: {
      connection_name: connectionNameOf(key, ...values.values()),
      client_id: clientId,
      ...(secret !== undefined && { client_secret: secret }),
      ...(scopes !== undefined && { scopes }),
      ...(match ?? genericOf(provider, urls)),
      // Grants of organisations are stored below this global connection, and none is shared with the others.
      allow_import: true,
      share_with_organizations: false,
      description: `From the integration ${key} of Nango`,
    },
  };
}

/** A provider without a template. */
function genericOf(provider: Json, { authorizationUrl, tokenUrl }: { authorizationUrl: string; tokenUrl: string }) {
  const authorizeParams = parametersOf(provider.authorization_params);
  const tokenParams = parametersOf(provider.token_params);
  const isBasic = provider.token_request_auth_method === 'basic' || provider.authorization_method === 'header';
  return {
    provider: 'generic',
    authorization_url: authorizationUrl,
    token_url: tokenUrl,
    token_auth_method: isBasic ? ('client_secret_basic' as const) : ('client_secret_post' as const),
    ...(provider.disable_pkce === true && { pkce: false }),
    ...(authorizeParams !== undefined && { authorize_params: authorizeParams }),
    ...(tokenParams !== undefined && { token_params: tokenParams }),
  };
}

/** Reason why a generic connection cannot speak to the provider. */
function refusalOf(key: string, provider: Json): string | undefined {
  const tokenUrl = tokenUrlOf(provider);
  const refreshUrl = textOf(provider.refresh_url);
  if (provider.body_format === 'json')
    return `the provider of ${key} takes JSON at its token endpoint, and has no template`;
  if (refreshUrl !== undefined && refreshUrl !== tokenUrl) {
    return `the provider of ${key} refreshes at an address of its own, and has no template`;
  }
  return undefined;
}

function tokenUrlOf({ token_url: url }: Json): string | undefined {
  return textOf(url) ?? textOf(recordOf(url).OAUTH2);
}

/** Fills in the values of a connection, and notes them in `values`. */
function fill(
  pattern: string | undefined,
  config: Json,
  values: Map<string, string>,
): { url: string } | { reason: string } {
  let fault: string | undefined;
  const url = (pattern ?? '').replace(placeholder, (_text, name: string) => {
    const value = textOf(config[name]);
    if (value === undefined) fault ??= `has no ${name}`;
    else if (!hostPart.test(value)) fault ??= `has a ${name} that is no part of a host name`;
    else values.set(name, value);
    return value ?? '';
  });
  if (fault !== undefined) return { reason: `its connection_config ${fault}` };
  return URL.canParse(url) ? { url } : { reason: 'its provider has no fixed authorization and token URL' };
}
