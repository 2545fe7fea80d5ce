import type { FastifyInstance } from 'fastify';
import type { GetFleetGrant, ListFleetGrants } from '../../../broker/administration/read-fleet-grants.ts';
import * as routes from '../../contract/admin/grants.ts';
import { mount } from '../../mount.ts';
import { toFleetGrant, toFleetGrantDetail } from '../../schemas/admin/grants.ts';

export interface FleetGrantUseCases {
  listFleetGrants: ListFleetGrants;
  getFleetGrant: GetFleetGrant;
}

/** `baseUrl`: PUBLIC_URL with BASE_PATH, which links to the console begin with. */
export function fleetGrantRoutes(
  app: FastifyInstance,
  { listFleetGrants, getFleetGrant }: FleetGrantUseCases,
  baseUrl: () => string,
): void {
  mount(app, routes.listFleetGrants, async ({ caller, query }) => {
    const { organization_id, connection_name, provider, status, status_reason, next_action } = query;
    const { expires_before, refresh_expires_before, q, limit, cursor } = query;
    const selection = {
      ...(organization_id && { organizationId: organization_id }),
      ...(connection_name && { connectionName: connection_name }),
      ...(provider ? { provider } : {}),
      ...(status && { status }),
      ...(status_reason && { reason: status_reason }),
      ...(next_action && { nextAction: next_action }),
      ...(expires_before && { expiresBefore: expires_before }),
      ...(refresh_expires_before && { refreshExpiresBefore: refresh_expires_before }),
      ...(q ? { q } : {}),
    };
    const page = await listFleetGrants(caller, selection, { limit, ...(cursor ? { cursor } : {}) });
    return { grants: page.grants.map((grant) => toFleetGrant(grant, baseUrl())), next_cursor: page.nextCursor };
  });

  mount(app, routes.getFleetGrant, async ({ caller, params }) =>
    toFleetGrantDetail(await getFleetGrant(caller, params.id), baseUrl()),
  );
}
