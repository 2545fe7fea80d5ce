import type { Connection, OrganizationId } from '../../../../src/domain/connections/connection.ts';
import { BrokerError, invalidRequest } from '../../../../src/domain/errors.ts';
import type { ConnectionFilter, ConnectionRecord, ConnectionWriter } from '../../../../src/domain/ports/connections.ts';
import { createConnectionStatus } from './connection-status.ts';
import { compareText, type MemoryRows } from './state.ts';

export function createMemoryConnections(
  rows: MemoryRows,
  organizationId: OrganizationId,
  clock: () => Date,
): ConnectionWriter {
  const statusOf = createConnectionStatus(rows, organizationId, clock);
  const named = (name: string, owner: OrganizationId) =>
    [...rows.connections.values()].find((each) => each.name === name && each.organizationId === owner);
  const own = (id: string) => {
    const connection = rows.connections.get(id);
    return connection?.organizationId === organizationId ? connection : undefined;
  };
  const isShadowed = ({ name, organizationId: owner }: Connection) =>
    organizationId !== null && owner === null && named(name, organizationId) !== undefined;
  const recordOf = (connection: Connection): ConnectionRecord => ({
    connection,
    ...statusOf(connection),
    shadowed: isShadowed(connection),
  });
  const optionalRecord = (connection: Connection | undefined) => connection && recordOf(connection);

  return {
    find: async (name) => optionalRecord(named(name, organizationId) ?? named(name, null)),
    findOwn: async (name) => optionalRecord(named(name, organizationId)),
    list: async (filter) => {
      const matching = [...rows.connections.values()]
        .filter(
          (each) => each.organizationId === organizationId || (filter.includeGlobal && each.organizationId === null),
        )
        .map(recordOf)
        .filter((record) => matches(record, filter))
        .sort((a, b) => compareCursors(cursorOf(a), cursorOf(b)));
      const after = filter.cursor === undefined ? undefined : readCursor(filter.cursor);
      const rest = matching.filter((record) => after === undefined || compareCursors(cursorOf(record), after) > 0);
      const records = rest.slice(0, filter.limit);
      const last = records.at(-1);
      const hasMore = last !== undefined && rest.length > records.length;
      return { records, count: matching.length, nextCursor: hasMore ? JSON.stringify(cursorOf(last)) : null };
    },
    queueApplication: async () => {},
    lockOwn: async (name) => named(name, organizationId),
    lockForUse: async (id) => own(id) ?? globalOne(rows, id),
    insert: async (connection) => {
      if (named(connection.name, organizationId)) throw BrokerError.of('connection_exists', 'There is one.');
      rows.connections.set(connection.id, { ...connection, organizationId });
    },
    update: async (connection) => {
      const held = own(connection.id);
      if (held === undefined) return;
      const { id, name, createdBy, createdAt } = held;
      rows.connections.set(id, { ...connection, id, organizationId, name, createdBy, createdAt });
      rows.clientRefusals.delete(id);
    },
    delete: async (id) => {
      const deleted = own(id);
      if (deleted === undefined) return;
      rows.connections.delete(id);
      rows.clientRefusals.delete(id);
      rows.dependencies = rows.dependencies.filter(({ connectionId }) => connectionId !== id);
      for (const grant of [...rows.grants.values()]) {
        if (grant.connectionId !== id) continue;
        rows.grants.delete(grant.id);
        rows.slotAccounts.delete(grant.id);
      }
      for (const each of [...rows.authorizations.values()]) {
        if (each.connectionId !== id) continue;
        rows.authorizations.delete(each.stateHash);
        const { stateHash, status, browserHash, returnUrl, clientState } = each;
        if (browserHash === null || (status !== 'pending' && status !== 'testing')) continue;
        const { name: connectionName, organizationId: connectionOwner } = deleted;
        const kept = { connectionName, connectionOwner, browserHash, returnUrl, clientState };
        rows.deletedAuthorizations.set(stateHash, kept);
      }
    },
  };
}

function globalOne(rows: MemoryRows, id: string): Connection | undefined {
  const connection = rows.connections.get(id);
  return connection?.organizationId === null ? connection : undefined;
}

function matches({ connection, status }: ConnectionRecord, filter: ConnectionFilter): boolean {
  const { provider, flow, description } = connection.settings;
  const text = filter.q?.toLowerCase();
  return (
    (filter.provider === undefined || provider === filter.provider) &&
    (filter.flow === undefined || flow === filter.flow) &&
    (filter.status === undefined || status === filter.status) &&
    (text === undefined || [connection.name, description].some((each) => each?.toLowerCase().includes(text)))
  );
}

type Cursor = [name: string, id: string];

function cursorOf({ connection: { name, id } }: ConnectionRecord): Cursor {
  return [name, id];
}

function compareCursors([name, id]: Cursor, [otherName, otherId]: Cursor): number {
  return compareText(name, otherName) || compareText(id, otherId);
}

function readCursor(text: string): Cursor {
  try {
    const [name, id]: unknown[] = JSON.parse(text);
    if (typeof name === 'string' && typeof id === 'string') return [name, id];
  } catch {
    // Not JSON, or not an array: no list wrote it.
  }
  throw invalidRequest({ path: 'query.cursor', message: 'is not a cursor that a list has given' });
}
