import type { Caller } from '../../domain/callers/caller.ts';
import type { Connection } from '../../domain/connections/connection.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { Consent } from '../../domain/grants/consent.ts';
import type { ConsentReader } from '../../domain/ports/audit.ts';
import type { FleetPage, FleetReader, GrantSelection } from '../../domain/ports/fleet.ts';
import type { GrantView, ViewGrant } from '../grants/grant-view.ts';

export interface FleetGrantView {
  grant: GrantView;
  connection: Connection;
}

/** Lists a page of the grants within the caller's organisations. Throws invalid_request for the cursor. */
export type ListFleetGrants = (
  caller: Caller,
  selection: Omit<GrantSelection, 'reach'>,
  page: FleetPage,
) => Promise<{ grants: FleetGrantView[]; nextCursor: string | null }>;

/** Reads a grant and its history. Throws grant_not_found, also for a grant beyond the caller's organisations. */
export type GetFleetGrant = (caller: Caller, id: string) => Promise<FleetGrantView & { consents: Consent[] }>;

export interface ReadFleetGrantsDeps {
  fleet: Pick<FleetReader, 'listGrants' | 'findGrant'>;
  consents: ConsentReader;
  viewGrant: ViewGrant;
}

export function createListFleetGrants({ fleet, viewGrant }: Omit<ReadFleetGrantsDeps, 'consents'>): ListFleetGrants {
  return async (caller, selection, page) => {
    const { grants, nextCursor } = await fleet.listGrants({ ...selection, reach: caller }, page);
    return {
      grants: grants.map(({ grant, connection }) => ({ grant: viewGrant(grant, connection), connection })),
      nextCursor,
    };
  };
}

export function createGetFleetGrant({ fleet, consents, viewGrant }: ReadFleetGrantsDeps): GetFleetGrant {
  return async (caller, id) => {
    const found = await fleet.findGrant(id, caller);
    if (found === undefined) throw BrokerError.of('grant_not_found', 'There is no such grant.');
    const { grant, connection } = found;
    return { grant: viewGrant(grant, connection), connection, consents: await consents.listOfGrant(grant.id) };
  };
}
