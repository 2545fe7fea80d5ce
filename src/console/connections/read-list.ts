import type { ListFleetConnections } from '../../broker/administration/read-fleet-connections.ts';
import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { ListConnections } from '../../broker/connections/read-connections.ts';
import { accessOf, authorize } from '../../domain/callers/access.ts';
import type { OrganizationId } from '../../domain/connections/connection.ts';
import { firstOrganization } from '../layout/organization-field.ts';
import type { Visit } from '../server/visit.ts';
import type { ListQuery } from './list-query.ts';

export interface ConnectionListUseCases {
  listFleetConnections: ListFleetConnections;
  listConnections: ListConnections;
}

export interface ListedConnection {
  view: ConnectionView;
  /** Organisation that the page of the row and its acts are for. It may use a global connection. */
  actsFor: OrganizationId;
}

export interface ConnectionList {
  rows: ListedConnection[];
  nextCursor: string | null;
  /** `all`: the list crosses organisations. `none`: the visitor must name an organisation. */
  scope: 'all' | 'one' | 'none';
}

/** Connections of one page, and of one act on several. */
export const pageSize = 50;

/** Reads a page across organisations for a visitor who may, else the connections that one organisation sees. */
export async function readList(
  { listFleetConnections, listConnections }: ConnectionListUseCases,
  visit: Visit,
  { q, status, provider, flow, organization, cursor }: ListQuery,
): Promise<ConnectionList> {
  const filter = { ...(q && { q }), ...(status && { status }), ...(provider && { provider }), ...(flow && { flow }) };
  const page = { limit: pageSize, ...(cursor && { cursor }) };
  if (visit.may(accessOf.listFleetConnections)) {
    const selection = { ...filter, ...(organization && { organizationId: organization }) };
    const { connections, nextCursor } = await listFleetConnections(visit.caller, selection, page);
    return {
      rows: connections.map((view) => ({ view, actsFor: view.connection.organizationId })),
      nextCursor,
      scope: 'all',
    };
  }
  const shown = organization === undefined ? firstOrganization(visit.caller) : organization || null;
  if (shown === undefined) return { rows: [], nextCursor: null, scope: 'none' };
  const actor = authorize(visit.caller, accessOf.listConnections, shown, visit.trace);
  const { connections, nextCursor } = await listConnections(actor, { includeGlobal: true, ...filter, ...page });
  return { rows: connections.map((view) => ({ view, actsFor: actor.organizationId })), nextCursor, scope: 'one' };
}
