import type { AuditEvent } from '../../src/domain/audit.ts';
import type { Authorization } from '../../src/domain/authorization.ts';
import type { Connection, OrganizationId } from '../../src/domain/connection.ts';
import { BrokerError } from '../../src/domain/errors.ts';
import type { Grant } from '../../src/domain/grant.ts';
import type { TripStore, TripWithConnection } from '../../src/domain/ports/callers.ts';
import type { ConnectionRecord, Database, TransactionStores } from '../../src/domain/ports/stores.ts';
import { createMemoryGrants } from './memory-grants.ts';

/** Rows are replaced, never changed in place, so that a copy of the maps is a snapshot. */
export interface MemoryRows {
  connections: Map<string, Connection>;
  grants: Map<string, Grant>;
  trips: Map<string, Authorization>;
  audit: AuditEvent[];
}

export interface MemoryDatabase {
  database: Database;
  trips: TripStore;
  rows: MemoryRows;
}

/** The stores over plain maps: one transaction after the other, rolled back when it throws. */
export function createMemoryDatabase(): MemoryDatabase {
  const rows: MemoryRows = { connections: new Map(), grants: new Map(), trips: new Map(), audit: [] };
  let last: Promise<unknown> = Promise.resolve();

  async function transact<T>(work: () => Promise<T>): Promise<T> {
    const { connections, grants, trips, audit } = rows;
    const before = {
      connections: new Map(connections),
      grants: new Map(grants),
      trips: new Map(trips),
      audit: [...audit],
    };
    try {
      return await work();
    } catch (error) {
      Object.assign(rows, before);
      throw error;
    }
  }

  const database: Database = {
    read: (organizationId) => storesOf(rows, organizationId),
    write: (organizationId, work) => {
      const next = last.then(() => transact(() => work(storesOf(rows, organizationId))));
      last = next.catch(() => undefined);
      return next;
    },
  };
  return { database, trips: tripsOf(rows), rows };
}

function storesOf(rows: MemoryRows, organizationId: OrganizationId): TransactionStores {
  const record = (connection: Connection): ConnectionRecord => {
    const served = [...rows.grants.values()].find(
      (grant) =>
        grant.connectionId === connection.id && grant.organizationId === organizationId && grant.subject === null,
    );
    return {
      connection,
      status: served?.status ?? 'not_connected',
      statusReason: served?.statusReason ?? null,
      statusMessage: served?.statusMessage ?? null,
      served: served ?? null,
      shadowed: false,
    };
  };
  const named = (name: string, owner: OrganizationId) =>
    [...rows.connections.values()].find(
      (connection) => connection.name === name && connection.organizationId === owner,
    );
  const seen = (name: string) => named(name, organizationId) ?? named(name, null);
  const ownTrips = (connectionId: string) =>
    [...rows.trips.values()].filter((trip) => trip.connectionId === connectionId && trip.status === 'pending');

  return {
    connections: {
      find: async (name) => optional(seen(name), record),
      findOwn: async (name) => optional(named(name, organizationId), record),
      list: async () => {
        const own = [...rows.connections.values()].filter((each) => each.organizationId === organizationId);
        return { records: own.map(record), count: own.length, nextCursor: null };
      },
      lockOwn: async (name) => named(name, organizationId),
      lockForUse: async (id) => rows.connections.get(id),
      insert: async (connection) => {
        if (named(connection.name, organizationId)) throw BrokerError.of('connection_exists', 'There is one.');
        rows.connections.set(connection.id, connection);
      },
      update: async (connection) => void rows.connections.set(connection.id, connection),
      delete: async (id) => {
        rows.connections.delete(id);
        for (const grant of rows.grants.values()) if (grant.connectionId === id) rows.grants.delete(grant.id);
        for (const trip of rows.trips.values()) if (trip.connectionId === id) rows.trips.delete(trip.stateHash);
      },
    },
    grants: createMemoryGrants(rows, organizationId),
    authorizations: {
      find: async (stateHash) => {
        const authorization = rows.trips.get(stateHash);
        const connection = authorization && rows.connections.get(authorization.connectionId);
        if (!authorization || !connection || authorization.organizationId !== organizationId) return undefined;
        return { authorization, connectionName: connection.name };
      },
      insert: async (trip) => void rows.trips.set(trip.stateHash, trip),
      cancelPending: async (connectionId, subject) => {
        const pending = ownTrips(connectionId).filter(
          (trip) => trip.organizationId === organizationId && (subject === undefined || trip.subject === subject),
        );
        for (const trip of pending) {
          rows.trips.set(trip.stateHash, {
            ...trip,
            status: 'cancelled',
            statusReason: 'authorization_cancelled',
          });
        }
        return pending.length;
      },
      voidAllOf: async (connectionId) => {
        for (const trip of ownTrips(connectionId)) {
          rows.trips.set(trip.stateHash, { ...trip, status: 'failed', statusReason: 'configuration_changed' });
        }
        return 0;
      },
      settle: async (stateHash, { status, reason, message, connectedAccountId }) => {
        const trip = rows.trips.get(stateHash);
        if (trip === undefined) return;
        rows.trips.set(stateHash, {
          ...trip,
          status,
          statusReason: reason,
          statusMessage: message,
          connectedAccountId,
        });
      },
    },
    audit: { append: async (event) => void rows.audit.push({ ...event, organizationId }) },
  };
}

function tripsOf(rows: MemoryRows): TripStore {
  const withConnection = (authorization: Authorization | undefined): TripWithConnection | undefined => {
    const connection = authorization && rows.connections.get(authorization.connectionId);
    return authorization && connection && { authorization, connection };
  };
  const change = (stateHash: string, now: Date, made: Partial<Authorization>, browserHash?: string) => {
    const trip = rows.trips.get(stateHash);
    if (trip?.status !== 'pending' || trip.expiresAt <= now) return undefined;
    if (browserHash !== undefined && trip.browserHash !== browserHash) return undefined;
    const changed = { ...trip, ...made };
    rows.trips.set(stateHash, changed);
    return withConnection(changed);
  };
  return {
    find: async (stateHash) => withConnection(rows.trips.get(stateHash)),
    bind: async (stateHash, browserHash, now) => change(stateHash, now, { browserHash }),
    consume: async (stateHash, browserHash, now) => change(stateHash, now, { status: 'testing' }, browserHash),
  };
}

function optional<T, R>(value: T | undefined, map: (value: T) => R): R | undefined {
  return value === undefined ? undefined : map(value);
}
