import type { NewConnection } from '../../../../client/token-broker.ts';
import type { GrantLine } from '../../grant-line.ts';
import { connectionNameOf } from '../connection-name.ts';
import { type Item, missing, unmapped } from '../item.ts';
import { type Match, matchTemplate, type Template } from '../match-template.ts';
import { extraOf, parametersOf, recordOf, scopesOf, textOf } from '../values.ts';
import { providerOf } from './providers.ts';

type Data = Readonly<Record<string, unknown>>;

export interface MappingDeps {
  templates: readonly Template[];
  /** Gives a credential the name of its connection. */
  nameOf: (id: string, wanted: string) => string;
}

/** Maps one credential of the export. */
export function mapCredential(value: unknown, { templates, nameOf }: MappingDeps): Item {
  const credential = recordOf(value);
  const id = textOf(credential.id) ?? '';
  const name = textOf(credential.name) ?? id;
  const type = textOf(credential.type) ?? '';
  const from = `${type} "${name}"`;
  if (!/OAuth2/i.test(type)) return unmapped(from, 'no OAuth 2.0');
  if (typeof credential.data === 'string') return missing(from, 'its data is encrypted: export it with --decrypted');
  const data = recordOf(credential.data);
  const settings = settingsOf(type, data, templates);
  if ('reason' in settings) return missing(from, settings.reason);
  const connection: NewConnection = {
    connection_name: nameOf(id, connectionNameOf(name)),
    ...settings,
    // n8n serves one team. Organisations of the broker do not get its tokens unasked.
    share_with_organizations: false,
    description: `From the credential ${name} (${type}) of n8n`,
  };
  if (connection.oauth_flow_type === 'client_credentials') return { kind: 'connection', from, connection };
  const grant = grantOf(connection.connection_name, data, textOf(credential.updatedAt));
  return grant === undefined
    ? missing(from, 'it has no token: a person must authorize')
    : { kind: 'grant', from, connection, grant };
}

type Settings = Omit<NewConnection, 'connection_name'>;

function settingsOf(type: string, data: Data, templates: readonly Template[]): Settings | { reason: string } {
  const clientId = literal(data.clientId);
  if (clientId === undefined) return { reason: 'it has no client id' };
  const isMachine = data.grantType === 'clientCredentials';
  const provider = addressesOf(type, data, templates, isMachine);
  if ('reason' in provider) return provider;
  const secret = literal(data.clientSecret);
  const scopes = scopesOf(literal(data.scope));
  const authorizeParams = isMachine ? undefined : queryOf(literal(data.authQueryParameters));
  const tokenParams =
    isMachine && data.sendAdditionalBodyProperties === true ? jsonOf(data.additionalBodyProperties) : undefined;
  return {
    client_id: clientId,
    ...(secret !== undefined && { client_secret: secret }),
    ...provider,
    ...(provider.provider === 'generic' && { token_auth_method: methodOf(data, secret) }),
    ...(isMachine && { oauth_flow_type: 'client_credentials' as const }),
    ...(scopes !== undefined && { scopes }),
    ...(authorizeParams !== undefined && { authorize_params: authorizeParams }),
    ...(tokenParams !== undefined && { token_params: tokenParams }),
  };
}

/** A template, or the addresses that the credential holds. Types that n8n ships keep theirs out of the export. */
function addressesOf(
  type: string,
  data: Data,
  templates: readonly Template[],
  isMachine: boolean,
): Match | Pick<NewConnection, 'provider' | 'authorization_url' | 'token_url'> | { reason: string } {
  if (data.ignoreSSLIssues === true) return { reason: 'it ignores wrong certificates, which the broker never does' };
  const known = providerOf(type, data);
  const authorizationUrl = literal(data.authUrl);
  const tokenUrl = literal(data.accessTokenUrl);
  if (isAddress(tokenUrl) && isMachine) return { provider: 'generic', token_url: tokenUrl };
  if (isAddress(tokenUrl) && isAddress(authorizationUrl)) {
    const found = matchTemplate(templates, { authorizationUrl, tokenUrl }, known?.provider ?? '');
    return found ?? { provider: 'generic', authorization_url: authorizationUrl, token_url: tokenUrl };
  }
  return known ?? { reason: 'the export does not hold its authorization and token URL' };
}

function methodOf(data: Data, secret: string | undefined) {
  if (secret === undefined) return 'none' as const;
  return data.authentication === 'body' ? ('client_secret_post' as const) : ('client_secret_basic' as const);
}

/**
 * Tokens of a credential. The export does not say when they were issued. With a refresh token, the broker obtains a new
 * access token before it serves one; without, the time of the last change of the credential counts.
 */
function grantOf(connectionName: string, data: Data, updatedAt: string | undefined): GrantLine | undefined {
  const { callbackQueryString, ...response } = recordOf(data.oauthTokenData);
  const accessToken = textOf(response.access_token);
  const refreshToken = textOf(response.refresh_token);
  if (refreshToken !== undefined) {
    const extra = extraOf({ ...recordOf(callbackQueryString), ...response });
    const scopes = scopesOf(response.scope);
    return {
      connection_name: connectionName,
      refresh_token: refreshToken,
      ...(scopes !== undefined && { scopes }),
      ...(extra !== undefined && { extra }),
    };
  }
  if (accessToken === undefined) return undefined;
  const at = Date.parse(updatedAt ?? '');
  return {
    connection_name: connectionName,
    token_response: response,
    ...(!Number.isNaN(at) && { received_at: new Date(at).toISOString() }),
  };
}

/** A value as it was typed. n8n marks expressions, which it computes itself, with a leading `=`. */
function literal(value: unknown): string | undefined {
  const text = textOf(value);
  return text?.startsWith('=') === true ? undefined : text;
}

function isAddress(text: string | undefined): text is string {
  return text !== undefined && URL.canParse(text);
}

function queryOf(text: string | undefined): Record<string, string> | undefined {
  return text === undefined ? undefined : parametersOf(Object.fromEntries(new URLSearchParams(text)));
}

function jsonOf(value: unknown): Record<string, string> | undefined {
  try {
    return parametersOf(typeof value === 'string' ? JSON.parse(value) : value);
  } catch {
    return undefined;
  }
}
