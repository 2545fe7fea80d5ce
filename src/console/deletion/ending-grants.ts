import type { ListFleetGrants } from '../../broker/administration/read-fleet-grants.ts';
import { accessOf } from '../../domain/callers/access.ts';
import type { Connection, OrganizationId } from '../../domain/connections/connection.ts';
import type { Visit } from '../server/visit.ts';

/** Grants of one owner. */
export interface OwnedGrants {
  organizationId: OrganizationId;
  grants: number;
  working: number;
}

export interface EndingGrants {
  owners: readonly OwnedGrants[];
  /** False if there are more grants than are read. */
  isComplete: boolean;
}

const pageSize = 200;
/** Bounds the reads below a global connection of thousands of organisations. */
const maxPages = 5;

/** Counts the grants of a connection by owner; null if the visitor may not list grants across organisations. */
export async function readEndingGrants(
  listFleetGrants: ListFleetGrants,
  { caller, may }: Visit,
  { id, name, organizationId: owner }: Connection,
): Promise<EndingGrants | null> {
  if (!may(accessOf.listFleetGrants)) return null;
  // Connections of other organisations may have the same name. Only a global one has grants of several organisations.
  const selection = { connectionName: name, ...(owner !== null && { organizationId: owner }) };
  const counts = new Map<OrganizationId, OwnedGrants>();
  let cursor: string | null = null;
  for (let page = 0; page < maxPages && (page === 0 || cursor !== null); page += 1) {
    const limits = { limit: pageSize, ...(cursor !== null && { cursor }) };
    const found = await listFleetGrants(caller, selection, limits);
    for (const { grant } of found.grants.filter(({ connection }) => connection.id === id)) {
      const { organizationId } = grant;
      const count = counts.get(organizationId) ?? { organizationId, grants: 0, working: 0 };
      const working = count.working + (grant.status === 'completed' ? 1 : 0);
      counts.set(organizationId, { organizationId, grants: count.grants + 1, working });
    }
    cursor = found.nextCursor;
  }
  return { owners: [...counts.values()].sort((one, other) => other.grants - one.grants), isComplete: cursor === null };
}
