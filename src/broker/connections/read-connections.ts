import type { Actor } from '../../domain/callers/caller.ts';
import type { ConnectionFilter } from '../../domain/ports/connections.ts';
import type { Database } from '../../domain/ports/stores.ts';
import { noSuchConnection } from '../no-such-connection.ts';
import type { ConnectionView, ViewConnection } from './connection-view.ts';

/** Reads a connection. Throws connection_not_found. */
export type GetConnection = (actor: Actor, name: string) => Promise<ConnectionView>;

export type ListConnections = (
  actor: Actor,
  filter: ConnectionFilter,
) => Promise<{ connections: ConnectionView[]; count: number; nextCursor: string | null }>;

export interface ReadConnectionsDeps {
  database: Pick<Database, 'read'>;
  viewConnection: ViewConnection;
}

export function createGetConnection({ database, viewConnection }: ReadConnectionsDeps): GetConnection {
  return async ({ organizationId }, name) => {
    const record = await database.read(organizationId).connections.find(name);
    if (record === undefined) throw noSuchConnection(name);
    return viewConnection(record);
  };
}

export function createListConnections({ database, viewConnection }: ReadConnectionsDeps): ListConnections {
  return async ({ organizationId }, filter) => {
    const { records, count, nextCursor } = await database.read(organizationId).connections.list(filter);
    return { connections: records.map(viewConnection), count, nextCursor };
  };
}
