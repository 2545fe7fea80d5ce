import net from 'node:net';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { createPostgres } from '../../../../src/postgres/postgres.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection } from '../../../support/builders/stored.ts';
import { openTestStores } from '../../../support/postgres/stores.ts';

const query = { organizationId: null, connectionName: 'x', subject: null, accountId: null };
const unavailable = { code: 'service_unavailable', details: { retry_after: expect.any(Number) } };

async function onServer(
  port: (server: net.Server) => number,
  handler: (socket: net.Socket) => void,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    handler(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await work(`postgres://someone:hunter2@127.0.0.1:${port(server)}/db`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
}
const portOf = (server: net.Server) => (server.address() as net.AddressInfo).port;

describe('a database that cannot serve', () => {
  test('every store throws service_unavailable if no server listens', async () => {
    let url = '';
    await onServer(
      portOf,
      () => {},
      async (open) => {
        url = open;
      },
    );
    const stores = createPostgres({ connectionString: url, poolMax: 2, onError: () => {} });
    await expect(stores.credentials.find(query)).rejects.toMatchObject(unavailable);
    await expect(stores.database.read(null).connections.find('x')).rejects.toMatchObject(unavailable);
    await expect(stores.database.write(null, ({ connections }) => connections.lockOwn('x'))).rejects.toMatchObject(
      unavailable,
    );
    await expect(stores.ping()).rejects.toMatchObject(unavailable);
    await expect(stores.pendingMigrations()).rejects.toMatchObject(unavailable);
    await stores.close();
  });

  test('a store throws service_unavailable if the server accepts the connection and never replies', async () => {
    await onServer(
      portOf,
      () => {},
      async (url) => {
        const stores = createPostgres({ connectionString: url, poolMax: 1, connectTimeoutMs: 100, onError: () => {} });
        await expect(stores.credentials.find(query)).rejects.toMatchObject(unavailable);
        await expect(stores.database.read(null).connections.find('x')).rejects.toMatchObject(unavailable);
        await stores.close();
      },
    );
  });

  test('a transaction whose connection is cut throws service_unavailable, and the next one succeeds', async () => {
    const stores = await openTestStores();
    const killer = new pg.Client({ connectionString: stores.url });
    await killer.connect();
    const work = stores.database.write('acme', async ({ connections }) => {
      await connections.insert(aConnection('acme', 'cut'));
      await killer.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
      );
      await connections.insert(aConnection('acme', 'never'));
    });
    await expect(work).rejects.toMatchObject(unavailable);
    await killer.end();
    expect(await stores.database.read('acme').connections.find('cut')).toBeUndefined();
    await storeConnection(stores, aConnection('acme', 'next'));
    await stores.end();
  });

  test('a statement that exceeds its timeout throws service_unavailable', async () => {
    const stores = await openTestStores();
    const hasty = createPostgres({
      connectionString: stores.url,
      poolMax: 2,
      statementTimeoutMs: 50,
      onError: () => {},
    });
    await storeConnection(stores, aConnection('acme', 'held'));
    await stores.database.write('acme', async ({ connections }) => {
      await connections.lockOwn('held');
      await expect(hasty.database.write('acme', (other) => other.connections.lockOwn('held'))).rejects.toMatchObject(
        unavailable,
      );
    });
    await hasty.close();
    await stores.end();
  });

  test('text that Postgres cannot store throws invalid_request', async () => {
    const stores = await openTestStores();
    for (const text of ['a\0b', 'a\ud800b']) {
      const insert = storeConnection(stores, aConnection('acme', 'text', { variables: { key: text } }));
      await expect(insert).rejects.toMatchObject({ code: 'invalid_request' });
    }
    await stores.end();
  });

  test('a malformed connection string is refused with an error that does not contain it', () => {
    const open = () =>
      createPostgres({ connectionString: 'postgres://someone:hunter2@[broken:5432/db', poolMax: 1, onError: () => {} });
    expect(open).toThrow('cannot be read');
    try {
      open();
    } catch (error) {
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('hunter2');
    }
  });
});
