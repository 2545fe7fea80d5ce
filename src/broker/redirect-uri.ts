import type { Connection } from '../domain/connections/connection.ts';

export type RedirectUriOf = (connection: Pick<Connection, 'organizationId' | 'name'>) => string;

/**
 * Builds redirect URIs from configuration alone, never from request headers. `baseUrl`: PUBLIC_URL with BASE_PATH, no
 * final slash.
 */
export function createRedirectUriOf(baseUrl: () => string): RedirectUriOf {
  return ({ organizationId, name }) => {
    const owner = organizationId === null ? '' : `${encodeURIComponent(organizationId)}/`;
    return `${baseUrl()}/callback/${owner}${name}`;
  };
}
