import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { GrantSignals } from '../../../../src/domain/ports/engine.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { channels } from '../../../../src/postgres/notify/channels.ts';
import { createGrantSignals } from '../../../../src/postgres/notify/grant-signals.ts';
import { createListener, type Listener } from '../../../../src/postgres/notify/listener.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { createTestDatabase } from '../../../support/postgres/database.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const patience = { timeout: 10_000, interval: 20 };

describe('listener', () => {
  let stores: TestStores;
  // Longer than the timeout of a test, so only a notification ends a wait.
  const pollMs = { listening: 600_000, disconnected: 600_000 };
  let signals: GrantSignals;
  const received: { channel: string; payload: unknown }[] = [];
  const changes: boolean[] = [];

  beforeAll(async () => {
    stores = await openTestStores();
    for (const channel of Object.values(channels)) {
      stores.listener.subscribe(channel, (payload) => {
        received.push({ channel, payload });
      });
    }
    stores.listener.onChange((up) => changes.push(up));
    signals = createGrantSignals({ listener: stores.listener, pollMs });
    stores.listener.start();
    await vi.waitUntil(() => stores.listener.isUp(), patience);
  });
  afterAll(() => stores.end());

  const receives = (channel: string, payload: unknown) =>
    vi.waitFor(() => expect(received).toContainEqual({ channel, payload }), patience);

  test('creating, editing and deleting a connection notifies with its id and name', async () => {
    const connection = await storeConnection(stores, aConnection('acme', 'notified'));
    const payload = { connection_id: connection.id, organization_id: 'acme', connection_name: 'notified' };
    await receives('connection_changed', payload);
    received.length = 0;
    await stores.database.write('acme', ({ connections }) => connections.update(connection));
    await receives('connection_changed', payload);
    received.length = 0;
    await stores.database.write('acme', ({ connections }) => connections.delete(connection.id));
    await receives('connection_changed', payload);
  });

  test('a refreshed and a revoked grant notify, and a wait for the grant ends', async () => {
    const connection = await storeConnection(stores, aConnection(null, 'signals'));
    const id = await storeGrant(stores, 'acme', connection);
    const payload = { grant_id: id, connection_id: connection.id, organization_id: 'acme', subject: null };
    await receives('grant_changed', payload);
    received.length = 0;
    const leased = await stores.refreshes.acquire(id, 'a', 45_000);
    if (leased === undefined) throw new Error('the lease is taken');
    const watch = signals.watch(id);
    const woken = watch.changed(600_000);
    await stores.refreshes.release(leased, 'a');
    await woken;
    watch.end();
    await receives('grant_changed', payload);
    received.length = 0;
    await stores.database.write('acme', ({ grants }) => grants.revoke(id, { by: 'a', reason: null, now: new Date() }));
    await receives('grant_changed', payload);
  });

  test('a change that is rolled back sends no notification', async () => {
    const work = stores.database.write('acme', async ({ connections }) => {
      await connections.insert(aConnection('acme', 'rolled-back'));
      throw new Error('stop');
    });
    await expect(work).rejects.toThrow('stop');
    await storeConnection(stores, aConnection('acme', 'after'));
    await vi.waitFor(() => expect(JSON.stringify(received)).toContain('"after"'), patience);
    expect(JSON.stringify(received)).not.toContain('rolled-back');
  });

  test('the listener reports itself down when its connection is cut, then reconnects', async () => {
    changes.length = 0;
    const client = new pg.Client({ connectionString: stores.url });
    await client.connect();
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'token-broker listener'`,
    );
    await client.end();
    await vi.waitFor(() => expect(changes).toEqual([false, true]), patience);
    received.length = 0;
    const connection = await storeConnection(stores, aConnection('acme', 'again'));
    await receives('connection_changed', {
      connection_id: connection.id,
      organization_id: 'acme',
      connection_name: 'again',
    });
  });

  test('a listener that receives no pings does not count as up', async () => {
    const elsewhere = await createTestDatabase();
    const heartbeat = createPool({ connectionString: stores.url, poolMax: 1, onError: () => {} });
    const errors: unknown[] = [];
    const listener: Listener = createListener({
      connectionString: elsewhere.url,
      heartbeat,
      onError: (error) => errors.push(error),
      pingEveryMs: 20,
      disconnectedAfterMs: 100,
    });
    listener.start();
    // The listener replaces the silent connection, so pings were sent and did not arrive.
    await vi.waitUntil(() => errors.length > 0, patience);
    expect(listener.isUp()).toBe(false);
    await listener.stop();
    await heartbeat.end();
    await elsewhere.drop();
  });
});
