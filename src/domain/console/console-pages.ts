import type { OrganizationId } from '../connections/connection.ts';

/** A connection as one organisation sees it: its own, or a global one. */
export interface ConnectionPlace {
  name: string;
  /** Organisation that the page acts for; null for the global scope. */
  organizationId: OrganizationId;
}

export interface GrantPlace {
  connectionName: string;
  /** Owner of the grant; null for a shared grant. */
  organizationId: OrganizationId;
  grantId: string;
}

/** Pages below that of a connection: its tabs, the cause of its status, the pages that act, and targets of forms alone. */
export type ConnectionPart =
  | 'grants'
  | 'timeline'
  | 'dependants'
  | 'settings'
  | 'use'
  | 'why'
  | 'edit'
  | 'delete'
  | 'share'
  | 'connect'
  | 'test'
  | 'refresh'
  | 'share-status'
  | 'share-cancel';

/** Pages below that of a grant, and targets of forms alone. */
export type GrantPart = 'revoke' | 'delete' | 'refresh' | 'test' | 'reconnect';

/** Path of the console below BASE_PATH. */
export const consolePath = '/console';

/** Builds the path of a connection's page, with its query. It begins after PUBLIC_URL and BASE_PATH. */
export function connectionPage({ name, organizationId }: ConnectionPlace, part?: ConnectionPart): string {
  return `${pathOf('connections', name, ...(part === undefined ? [] : [part]))}${actingFor(organizationId)}`;
}

/** Builds the path of a grant's page, with its query. It begins after PUBLIC_URL and BASE_PATH. */
export function grantPage({ connectionName, organizationId, grantId }: GrantPlace, part?: GrantPart): string {
  const parts = part === undefined ? [] : [part];
  return `${pathOf('connections', connectionName, 'grants', grantId, ...parts)}${actingFor(organizationId)}`;
}

function pathOf(...segments: string[]): string {
  return [consolePath, ...segments.map(encodeURIComponent)].join('/');
}

/**
 * Names the organisation even for the global scope, with an empty value. Without the parameter, a caller of one
 * organisation would see that organisation's connection of the same name.
 */
function actingFor(organizationId: OrganizationId): string {
  return `?organization=${encodeURIComponent(organizationId ?? '')}`;
}
