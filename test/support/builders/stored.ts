import { v7 } from 'uuid';
import type { Connection, OrganizationId } from '../../../src/domain/connections/connection.ts';
import type { Grant } from '../../../src/domain/grants/grant.ts';
import type { GrantArrival, GrantReader } from '../../../src/domain/ports/grants.ts';
import type { Database } from '../../../src/domain/ports/stores.ts';
import { anArrival } from './grant.ts';

export async function storeConnection(stores: { database: Database }, connection: Connection): Promise<Connection> {
  await stores.database.write(connection.organizationId, ({ connections }) => connections.insert(connection));
  return connection;
}

/** Stores a completed grant owned by that organisation and returns its id. */
export async function storeGrant(
  stores: { database: Database },
  owner: OrganizationId,
  connection: Connection,
  changes: Partial<GrantArrival> & { subject?: string; accountId?: string } = {},
): Promise<string> {
  const id = v7();
  await stores.database.write(owner, ({ grants }) => grants.insert(id, anArrival(connection, changes)));
  return id;
}

/** Lists the grants of a connection that has no more than one page of them. */
export async function grantsOf(reader: Pick<GrantReader, 'list'>, connectionId: string): Promise<Grant[]> {
  return (await reader.list(connectionId, { limit: 200 })).grants;
}
