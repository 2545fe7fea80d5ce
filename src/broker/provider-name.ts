import type { ConnectionSettings } from '../domain/connections/connection.ts';
import type { OAuthGateway, ProviderCatalogue } from '../domain/ports/oauth.ts';

/** Names the provider for people: its display name, or the host of the sign-in page if the template stands for any. */
export type ProviderNameOf = (settings: ConnectionSettings) => string;

export interface ProviderNameDeps {
  catalogue: Pick<ProviderCatalogue, 'find'>;
  oauth: Pick<OAuthGateway, 'endpoints'>;
}

export function createProviderNameOf({ catalogue, oauth }: ProviderNameDeps): ProviderNameOf {
  return (settings) => {
    const template = catalogue.find(settings.provider);
    // A template without an authorization URL describes many providers, and its display name none of them.
    if (template !== undefined && template.authorizationUrl !== null) return template.displayName;
    const { authorizationUrl } = oauth.endpoints(settings);
    const host = authorizationUrl !== null && URL.canParse(authorizationUrl) ? new URL(authorizationUrl).host : '';
    return host === '' ? (template?.displayName ?? settings.provider) : host;
  };
}
