import pg from 'pg';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Connection } from '../../../../src/domain/connections/connection.ts';
import { createPostgres, leastConnections, type Postgres } from '../../../../src/postgres/postgres.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const patience = { timeout: 10_000, interval: 50 };
let stores: TestStores;
let busy: Postgres;
let blocker: pg.Client;
let watcher: pg.Client;
let connection: Connection;
let waiting: Promise<unknown>[];
const heard: string[] = [];

beforeAll(async () => {
  stores = await openTestStores();
  stores.listener.subscribe('grant_changed', ({ grant_id: id }) => heard.push(id));
  stores.listener.subscribe('connection_changed', ({ connection_id: id }) => heard.push(id));
  stores.listener.subscribe('api_key_changed', ({ api_key_id: id }) => heard.push(id));
  stores.listener.start();
  await vi.waitFor(() => expect(stores.listener.isUp()).toBe(true), patience);
  connection = await storeConnection(stores, aConnection('acme', 'crm'));
  busy = createPostgres({
    connectionString: stores.url,
    poolMax: leastConnections + 2,
    statementTimeoutMs: 60_000,
    connectTimeoutMs: 60_000,
    onError: () => {},
  });
  blocker = new pg.Client({ connectionString: stores.url });
  await blocker.connect();
  // The statistics do not change within the transaction of the blocker.
  watcher = new pg.Client({ connectionString: stores.url });
  await watcher.connect();
});
afterAll(async () => {
  await blocker?.end();
  await watcher?.end();
  await Promise.allSettled(waiting ?? []);
  await busy?.close();
  await stores?.end();
});

/** Every connection of the pool runs a statement that does not end, and further statements wait for one. */
async function exhaustPool(): Promise<void> {
  await blocker.query('begin');
  await blocker.query('lock table sweeps in access exclusive mode');
  waiting = Array.from({ length: 12 }, () => busy.sweeps.last());
  for (const one of waiting) one.catch(() => {});
  await vi.waitFor(async () => {
    const { rows } = await watcher.query<{ count: number }>(
      "select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    expect(rows[0]?.count).toBe(3);
  }, patience);
}

test('revocations and deletions commit and are heard elsewhere while the pool is exhausted, and so are pings', async () => {
  const [revoked, deleted] = [
    await storeGrant(stores, 'acme', connection, { subject: 'a' }),
    await storeGrant(stores, 'acme', connection, { subject: 'b' }),
  ];
  const dropped = await storeConnection(stores, aConnection('acme', 'erp'));
  const keyId = v7();
  await blocker.query(
    `insert into api_keys (id, name, secret_hash, permissions, global, created_by, created_at)
     values ($1, 'k', '\\x00', '{}', false, 'bootstrap', now())`,
    [keyId],
  );
  await exhaustPool();
  heard.length = 0;

  const now = new Date();
  await busy.database.writeReserved('acme', ({ grants }) => grants.revoke(revoked, { by: 'k', reason: null, now }));
  await busy.database.writeReserved('acme', ({ grants }) => grants.delete(deleted));
  await busy.database.writeReserved('acme', ({ connections }) => connections.delete(dropped.id));
  expect(await busy.apiKeys.find(keyId)).toMatchObject({ id: keyId });
  const reach = { organizations: '*', global: true } as const;
  const eventOf = () => ({
    time: now,
    organizationId: null,
    actor: 'bootstrap',
    address: null,
    action: 'api_key.revoked' as const,
    outcome: 'success' as const,
    connectionId: null,
    connectionName: null,
    grantId: null,
    details: {},
    requestId: null,
  });
  await busy.apiKeys.revoke(keyId, { reach, cascade: false, now, eventOf });
  await busy.ping();
  await vi.waitFor(
    () => expect(heard).toEqual(expect.arrayContaining([revoked, deleted, dropped.id, keyId])),
    patience,
  );
  // The pool was exhausted all along.
  expect(await Promise.race([...waiting, Promise.resolve('waiting')])).toBe('waiting');
});
