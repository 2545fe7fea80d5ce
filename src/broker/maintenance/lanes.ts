import type { OrganizationId } from '../../domain/connections/connection.ts';
import type { GrantLane } from '../../domain/ports/maintenance/lanes.ts';

/** Groups lanes by organisation, so that background work can take the organisations in turns. Keeps the order. */
export function lanesByOrganization<Lane extends GrantLane>(lanes: readonly Lane[]): Map<OrganizationId, Lane[]> {
  return Map.groupBy(lanes, ({ organizationId }) => organizationId);
}
