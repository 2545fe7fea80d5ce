import type { NewConnection } from '../../../../client/token-broker.ts';
import { parametersOf, recordOf, textOf } from '../values.ts';
import type { VaultServer } from './vault-lines.ts';

type Json = Readonly<Record<string, unknown>>;
type Provider = Pick<NewConnection, 'provider' | 'variables' | 'authorization_url' | 'token_url' | 'token_auth_method'>;

/** Providers of the engine. The options are those of its documentation. */
const providers: Readonly<Record<string, (options: Json) => Provider | undefined>> = {
  bitbucket: () => ({
    provider: 'generic',
    authorization_url: 'https://bitbucket.org/site/oauth2/authorize',
    token_url: 'https://bitbucket.org/site/oauth2/access_token',
  }),
  github: () => ({ provider: 'github' }),
  gitlab: () => ({ provider: 'gitlab' }),
  google: () => ({ provider: 'google' }),
  slack: () => ({ provider: 'slack' }),
  microsoft_azure_ad: ({ tenant }) => ({
    provider: 'microsoft-graph',
    variables: { tenant: textOf(tenant) ?? 'organizations' },
  }),
  okta: ({ domain }) => {
    const host = textOf(domain);
    return host === undefined ? undefined : { provider: 'okta', variables: { domain: host } };
  },
  custom: ({ auth_code_url, token_url, auth_style }) => {
    const tokenUrl = textOf(token_url);
    const authorizationUrl = textOf(auth_code_url);
    if (tokenUrl === undefined) return undefined;
    return {
      provider: 'generic',
      token_url: tokenUrl,
      ...(authorizationUrl !== undefined && { authorization_url: authorizationUrl }),
      ...(auth_style === 'in_header' && { token_auth_method: 'client_secret_basic' }),
      ...(auth_style === 'in_params' && { token_auth_method: 'client_secret_post' }),
    };
  },
};

/** Maps a server to a connection without its name and secret, or says why it becomes none. */
export function mapServer({ name, data }: VaultServer): Omit<NewConnection, 'connection_name'> | { reason: string } {
  const clientId = textOf(data.client_id);
  if (clientId === undefined) return { reason: 'it has no client_id' };
  const kind = textOf(data.provider) ?? '';
  const provider = Object.hasOwn(providers, kind) ? providers[kind]?.(recordOf(data.provider_options)) : undefined;
  if (provider === undefined) {
    // The engine discovers the addresses of an OpenID provider; a connection names them.
    return {
      reason: `its provider ${kind} needs addresses: create the connection with authorization_url and token_url`,
    };
  }
  const authorizeParams = parametersOf(data.auth_url_params);
  return {
    client_id: clientId,
    ...provider,
    ...(authorizeParams !== undefined && { authorize_params: authorizeParams }),
    share_with_organizations: false,
    description: `From the server ${name} of Vault oauthapp`,
  };
}
