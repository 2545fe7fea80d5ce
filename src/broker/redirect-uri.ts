import { canReach, type Reach } from '../domain/callers/caller.ts';
import type { Connection, OrganizationId } from '../domain/connections/connection.ts';

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

/** Redirect URIs of a connection that does not exist yet, by its owner. Null without a right to that owner. */
export interface PlannedRedirectUris {
  global: string | null;
  organization: string | null;
}

/** `name`: defaults to a placeholder for the name that the connection will have. */
export function plannedRedirectUris(
  redirectUriOf: RedirectUriOf,
  reach: Reach,
  organizationId: OrganizationId,
  name = '{connection_name}',
): PlannedRedirectUris {
  return {
    global: canReach(reach, null) ? redirectUriOf({ organizationId: null, name }) : null,
    organization: organizationId === null ? null : redirectUriOf({ organizationId, name }),
  };
}
