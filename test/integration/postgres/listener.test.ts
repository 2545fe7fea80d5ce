import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { GrantSignals } from '../../../src/domain/ports/engine.ts';
import { channels } from '../../../src/postgres/channels.ts';
import { createGrantSignals } from '../../../src/postgres/grant-signals.ts';
import { createListener, type Listener } from '../../../src/postgres/listener.ts';
import { createPool } from '../../../src/postgres/pool.ts';
import { createTestDatabase } from '../../support/postgres.ts';
import {
  aConnection,
  openTestStores,
  storeConnection,
  storeGrant,
  type TestStores,
} from '../../support/postgres-fixtures.ts';

const patience = { timeout: 10_000, interval: 20 };

describe('listener', () => {
  let stores: TestStores;
  // Longer than a test may last: only a signal ends a wait.
  const pollMs = { listening: 600_000, deaf: 600_000 };
  let signals: GrantSignals;
  const heard: { channel: string; payload: unknown }[] = [];
  const changes: boolean[] = [];

  beforeAll(async () => {
    stores = await openTestStores();
    for (const channel of Object.values(channels)) {
      stores.listener.subscribe(channel, (payload) => {
        heard.push({ channel, payload });
      });
    }
    stores.listener.onChange((up) => changes.push(up));
    signals = createGrantSignals({ listener: stores.listener, pollMs });
    stores.listener.start();
    await vi.waitUntil(() => stores.listener.isUp(), patience);
  });
  afterAll(() => stores.end());

  const hears = (channel: string, payload: unknown) =>
    vi.waitFor(() => expect(heard).toContainEqual({ channel, payload }), patience);

  test('a new, an edited and a deleted connection are told of, by id and name', async () => {
    const connection = await storeConnection(stores, aConnection('acme', 'told'));
    const payload = { connection_id: connection.id, organization_id: 'acme', connection_name: 'told' };
    await hears('connection_changed', payload);
    heard.length = 0;
    await stores.database.write('acme', ({ connections }) => connections.update(connection));
    await hears('connection_changed', payload);
    heard.length = 0;
    await stores.database.write('acme', ({ connections }) => connections.delete(connection.id));
    await hears('connection_changed', payload);
  });

  test('a revoked and a refreshed grant are told of, and whoever waits for it wakes', async () => {
    const connection = await storeConnection(stores, aConnection(null, 'signals'));
    const id = await storeGrant(stores, 'acme', connection);
    const payload = { grant_id: id, connection_id: connection.id, organization_id: 'acme', subject: null };
    await hears('grant_changed', payload);
    heard.length = 0;
    const leased = await stores.refreshes.acquire(id, 'a', 45_000);
    if (leased === undefined) throw new Error('taken');
    const watch = signals.watch(id);
    const woken = watch.changed(600_000);
    await stores.refreshes.release(leased, 'a');
    await woken;
    watch.end();
    await hears('grant_changed', payload);
    heard.length = 0;
    await stores.database.write('acme', ({ grants }) => grants.revoke(id, { by: 'a', reason: null, now: new Date() }));
    await hears('grant_changed', payload);
  });

  test('a change that is rolled back is not told of', async () => {
    const work = stores.database.write('acme', async ({ connections }) => {
      await connections.insert(aConnection('acme', 'rolled-back'));
      throw new Error('stop');
    });
    await expect(work).rejects.toThrow('stop');
    await storeConnection(stores, aConnection('acme', 'after'));
    await vi.waitFor(() => expect(JSON.stringify(heard)).toContain('"after"'), patience);
    expect(JSON.stringify(heard)).not.toContain('rolled-back');
  });

  test('it comes back after its connection is cut, having said that it was down', async () => {
    changes.length = 0;
    const client = new pg.Client({ connectionString: stores.url });
    await client.connect();
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'token-broker listener'`,
    );
    await client.end();
    await vi.waitFor(() => expect(changes).toEqual([false, true]), patience);
    heard.length = 0;
    const connection = await storeConnection(stores, aConnection('acme', 'again'));
    await hears('connection_changed', {
      connection_id: connection.id,
      organization_id: 'acme',
      connection_name: 'again',
    });
  });

  test('one that listens where nothing arrives does not count as up', async () => {
    const elsewhere = await createTestDatabase();
    const pool = createPool({ connectionString: stores.url, poolMax: 1, onError: () => {} });
    const errors: unknown[] = [];
    const listener: Listener = createListener({
      connectionString: elsewhere.url,
      pool,
      onError: (error) => errors.push(error),
      pingEveryMs: 20,
      deafAfterMs: 100,
    });
    listener.start();
    // It gives the silent connection up, so pings were sent and not heard.
    await vi.waitUntil(() => errors.length > 0, patience);
    expect(listener.isUp()).toBe(false);
    await listener.stop();
    await pool.end();
    await elsewhere.drop();
  });
});
