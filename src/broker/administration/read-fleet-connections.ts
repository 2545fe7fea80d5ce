import type { Caller } from '../../domain/callers/caller.ts';
import { BrokerError } from '../../domain/errors.ts';
import type { ConnectionSelection, FleetPage, FleetReader } from '../../domain/ports/fleet.ts';
import type { ConnectionView, ViewConnection } from '../connections/connection-view.ts';

/** Lists a page of the connections within the caller's organisations. Throws invalid_request for the cursor. */
export type ListFleetConnections = (
  caller: Caller,
  selection: Omit<ConnectionSelection, 'reach'>,
  page: FleetPage,
) => Promise<{ connections: ConnectionView[]; nextCursor: string | null }>;

export type ConnectionGrantCounts = Awaited<ReturnType<FleetReader['countGrantsOf']>>;

/**
 * Reads a connection as its owner sees it, and counts its grants within the caller's organisations. Throws
 * connection_not_found, also for a connection beyond them.
 */
export type GetFleetConnection = (
  caller: Caller,
  id: string,
) => Promise<{ connection: ConnectionView; grants: ConnectionGrantCounts }>;

export interface ReadFleetConnectionsDeps {
  fleet: Pick<FleetReader, 'listConnections' | 'findConnection' | 'countGrantsOf'>;
  viewConnection: ViewConnection;
}

export function createListFleetConnections({ fleet, viewConnection }: ReadFleetConnectionsDeps): ListFleetConnections {
  return async (caller, selection, page) => {
    const { records, nextCursor } = await fleet.listConnections({ ...selection, reach: caller }, page);
    return { connections: records.map(viewConnection), nextCursor };
  };
}

export function createGetFleetConnection({ fleet, viewConnection }: ReadFleetConnectionsDeps): GetFleetConnection {
  return async (caller, id) => {
    const record = await fleet.findConnection(id, caller);
    if (record === undefined) throw BrokerError.of('connection_not_found', 'There is no such connection.');
    return { connection: viewConnection(record), grants: await fleet.countGrantsOf(record.connection.id, caller) };
  };
}
