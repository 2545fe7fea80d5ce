import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPostgres, type Postgres } from '../../../../src/postgres/postgres.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { createTcpProxy, type TcpProxy } from '../../../support/faults/tcp-proxy.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const patience = { timeout: 20_000, interval: 20 };
const poolMax = 5;
const applicationName = 'token-broker late';
/** Bound on staleness, 5 s, and a second for a busy machine. */
const staleForMs = 6_000;
const query = { organizationId: 'acme', connectionName: 'crm', subject: null, accountId: null };

/** Process `a` writes; process `b` hears of it through a network that the test slows down. */
describe('a process whose notifications are late', () => {
  let a: TestStores;
  let b: Postgres;
  let toListener: TcpProxy;
  let grantId: string;

  beforeEach(async () => {
    a = await openTestStores();
    toListener = await createTcpProxy(a.url);
    const connectionStrings = { connectionString: a.url, listenConnectionString: toListener.url };
    b = createPostgres({ ...connectionStrings, poolMax, applicationName, onError: () => {} });
    const connection = await storeConnection(a, aConnection('acme', 'crm'));
    grantId = await storeGrant(a, 'acme', connection);
    b.listener.start();
    await vi.waitUntil(() => b.listener.isUp(), patience);
  });
  afterEach(async () => {
    await b.close();
    await toListener.close();
    await a.end();
  });

  const isServed = async () => (await b.credentials.find(query))?.grants[0]?.statusReason === null;
  const revoke = () =>
    a.database.write('acme', ({ grants }) => grants.revoke(grantId, { by: 'x', reason: null, now: new Date() }));
  const isCached = async () => {
    const first = await b.credentials.find(query);
    // A cached match is the same object; a row that is read again makes another.
    return first === (await b.credentials.find(query));
  };

  /** Fetches for `forMs` and returns how long after the start the last fetch was served, in milliseconds. */
  async function lastServedAfter(forMs: number): Promise<number> {
    const startedAt = performance.now();
    let last = 0;
    while (performance.now() - startedAt < forMs) {
      if (await isServed()) last = performance.now() - startedAt;
      await sleep(20);
    }
    return last;
  }

  test('a token revoked when the stream becomes late is served for five seconds at most', async () => {
    await vi.waitUntil(isCached, patience);
    toListener.delay(10_000);
    await revoke();
    expect(await lastServedAfter(14_000)).toBeLessThan(staleForMs);
  }, 60_000);

  test('a stream that stays late, and on which every ping arrives, counts as down', async () => {
    toListener.delay(8_000);
    await vi.waitUntil(() => !b.listener.isUp(), patience);
    // By now the pings arrive as regularly as they are sent, each 8 s late.
    await sleep(10_000);
    expect(b.listener.isUp()).toBe(false);
    expect(await isCached()).toBe(false);
    await revoke();
    expect(await lastServedAfter(2_000)).toBe(0);
    toListener.delay(0);
    await vi.waitUntil(() => b.listener.isUp(), patience);
  }, 60_000);

  test('a pool whose connections are all held keeps the listener up, within the bound of connections', async () => {
    await vi.waitUntil(isCached, patience);
    const release = Promise.withResolvers<void>();
    const holders = Array.from({ length: 2 * poolMax }, () =>
      b.database.write('acme', async ({ connections }) => {
        await connections.find('crm');
        await release.promise;
      }),
    );
    const settled = Promise.allSettled(holders);
    let mostConnections = 0;
    try {
      for (let second = 0; second < 7; second++) {
        await sleep(1_000);
        mostConnections = Math.max(mostConnections, await countConnections());
      }
      // By now every ping that was sent before the pool was held is too old.
      await vi.waitUntil(() => b.listener.isUp(), patience);
      await b.ping();
      // One connection is reserved for revocations.
      expect(mostConnections).toBe(poolMax - 1);
    } finally {
      release.resolve();
      await settled;
    }
  }, 60_000);

  async function countConnections(): Promise<number> {
    const client = new pg.Client({ connectionString: a.url });
    await client.connect();
    const { rows } = await client.query<{ count: number }>(
      'select count(*)::int as count from pg_stat_activity where datname = current_database() and application_name = any($1)',
      [[applicationName, 'token-broker listener', 'token-broker heartbeat']],
    );
    await client.end();
    return rows[0]?.count ?? 0;
  }
});
