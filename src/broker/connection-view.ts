import type { Connection } from '../domain/connection.ts';
import type { OAuthGateway } from '../domain/ports/oauth.ts';
import type { ConnectionRecord } from '../domain/ports/stores.ts';
import { nextRefreshAt, type RefreshSchedule } from '../domain/refresh-policy.ts';

/** A connection as an administrator sees it: the record, and what follows from it and from the configuration. */
export interface ConnectionView extends ConnectionRecord {
  /** The URLs in force, a template's own where the connection has none. */
  authorizationUrl: string | null;
  tokenUrl: string | null;
  revocationUrl: string | null;
  testUrl: string | null;
  /** To be registered at the provider. Follows the connection's owner, not the caller. */
  redirectUri: string;
  nextRefreshAt: Date | null;
}

export interface ViewConnectionDeps {
  oauth: Pick<OAuthGateway, 'endpoints'>;
  redirectUriOf: RedirectUriOf;
  schedule: RefreshSchedule;
}

export type ViewConnection = (record: ConnectionRecord) => ConnectionView;

export function createViewConnection({ oauth, redirectUriOf, schedule }: ViewConnectionDeps): ViewConnection {
  return (record) => ({
    ...record,
    ...oauth.endpoints(record.connection.settings),
    redirectUri: redirectUriOf(record.connection),
    nextRefreshAt: record.served === null ? null : nextRefreshAt(record.served, schedule),
  });
}

export type RedirectUriOf = (connection: Pick<Connection, 'organizationId' | 'name'>) => string;

/** From configuration alone: a Host or X-Forwarded header never reaches it. `baseUrl` is PUBLIC_URL with BASE_PATH, no slash at the end. */
export function createRedirectUriOf(baseUrl: () => string): RedirectUriOf {
  return ({ organizationId, name }) => {
    const owner = organizationId === null ? '' : `${encodeURIComponent(organizationId)}/`;
    return `${baseUrl()}/callback/${owner}${name}`;
  };
}
