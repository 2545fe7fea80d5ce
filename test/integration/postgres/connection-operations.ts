import { v7 } from 'uuid';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { Stores, TransactionStores } from '../../../src/domain/ports/stores.ts';
import { aConnection } from '../../support/builders/connection.ts';

/** Runs every operation of the writer of connections. */
export async function writeConnections(
  connections: TransactionStores['connections'],
  connection: Connection,
): Promise<void> {
  const other = aConnection('acme', `other-${v7()}`);
  await connections.insert(other);
  await connections.queueApplication();
  await connections.lockOwn(connection.name);
  await connections.lockForUse(connection.id);
  await connections.update({ ...connection, revision: 2 });
  await connections.delete(other.id);
}

/** Runs every operation of the reader of connections. */
export async function readConnections(connections: Stores['connections'], { name }: Connection): Promise<void> {
  await connections.find(name);
  await connections.findOwn(name);
  await connections.list({ includeGlobal: true, limit: 10 });
}
