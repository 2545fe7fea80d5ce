import type { FastifyInstance } from 'fastify';
import type {
  GetFleetConnection,
  ListFleetConnections,
} from '../../../broker/administration/read-fleet-connections.ts';
import * as routes from '../../contract/admin/connections.ts';
import { mount } from '../../mount.ts';
import { toFleetConnection, toFleetConnectionDetail } from '../../schemas/admin/connections.ts';

export interface FleetConnectionUseCases {
  listFleetConnections: ListFleetConnections;
  getFleetConnection: GetFleetConnection;
}

/** `baseUrl`: PUBLIC_URL with BASE_PATH, which links to the console begin with. */
export function fleetConnectionRoutes(
  app: FastifyInstance,
  { listFleetConnections, getFleetConnection }: FleetConnectionUseCases,
  baseUrl: () => string,
): void {
  mount(app, routes.listFleetConnections, async ({ caller, query }) => {
    const { organization_id, status, provider, q, limit, cursor } = query;
    const selection = {
      ...(organization_id && { organizationId: organization_id }),
      ...(status && { status }),
      ...(provider ? { provider } : {}),
      ...(q ? { q } : {}),
    };
    const page = await listFleetConnections(caller, selection, { limit, ...(cursor ? { cursor } : {}) });
    const connections = page.connections.map((view) => toFleetConnection(view, baseUrl()));
    return { connections, next_cursor: page.nextCursor };
  });

  mount(app, routes.getFleetConnection, async ({ caller, params }) => {
    const { connection, grants } = await getFleetConnection(caller, params.id);
    return toFleetConnectionDetail(connection, grants, baseUrl());
  });
}
