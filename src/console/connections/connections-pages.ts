import type { ListFleetConnections } from '../../broker/administration/read-fleet-connections.ts';
import type { ConnectionView } from '../../broker/connections/connection-view.ts';
import type { ListConnections } from '../../broker/connections/read-connections.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { Pages } from '../server/page-route.ts';
import type { Visit } from '../server/visit.ts';
import { connectionList } from './connection-list.ts';
import { type ListQuery, listQuery } from './list-query.ts';

export interface ConnectionListUseCases {
  listFleetConnections: ListFleetConnections;
  listConnections: ListConnections;
}

const pageSize = 50;

export function connectionsPages(pages: Pages, useCases: ConnectionListUseCases): void {
  pages.mount(
    { method: 'GET', path: '/connections', access: { for: 'session' }, query: listQuery },
    async (visit, { query }) => {
      const { connections, nextCursor } = await readList(useCases, visit, query);
      return {
        title: 'Connections',
        section: 'connections',
        body: connectionList({ visit, query, connections, nextCursor }),
      };
    },
  );
}

async function readList(
  { listFleetConnections, listConnections }: ConnectionListUseCases,
  visit: Visit,
  { q, status, provider, flow, organization, cursor }: ListQuery,
): Promise<{ connections: ConnectionView[]; nextCursor: string | null }> {
  const filter = {
    ...(q && { q }),
    ...(status && { status }),
    ...(provider && { provider }),
    ...(flow && { flow }),
  };
  const page = { limit: pageSize, ...(cursor && { cursor }) };
  if (visit.may(accessOf.listFleetConnections)) {
    return listFleetConnections(
      visit.caller,
      { ...filter, ...(organization && { organizationId: organization }) },
      page,
    );
  }
  const actor = visit.actorFor(accessOf.listConnections);
  return listConnections(actor, { includeGlobal: true, ...filter, ...page });
}
