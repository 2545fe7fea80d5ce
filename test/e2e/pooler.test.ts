import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { describeWithPgBouncer } from '../support/postgres/pgbouncer.ts';
import { type BrokerProcess, spawnBroker, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../support/processes/data-dir.ts';
import { freePort } from '../support/processes/free-port.ts';
import { describeWithRedis } from '../support/redis/database.ts';
import { addConnection, importGrant } from './connections.ts';
import { addLoadedConnections, type LoadedConnection, runLoad, waitUntilServing } from './pooled-load.ts';
import { openPooledServers, type PooledStack } from './stack.ts';
import { openWorld, testEnvironment, type World } from './world.ts';

const loadMs = 8_000;
const outageMs = 1_500;
const recoveryLimitMs = 15_000;
/** Sum of both loads, the longest statement (20 s) at the end of each, and the recovery. */
const restartLimitMs = 70_000;

function suiteWith(redis: boolean): void {
  let stack: PooledStack;
  let world: World;
  let connections: LoadedConnection[];
  const dataDirs: DataDir[] = [];
  const others: BrokerProcess[] = [];
  let apis: Api[];

  function openDataDir(): string {
    const dataDir = createDataDir();
    dataDirs.push(dataDir);
    return dataDir.path;
  }

  const environment = (env: Record<string, string> = {}) => ({
    ...testEnvironment,
    ...stack.env,
    PUBLIC_URL: world.broker.url,
    ...env,
  });

  beforeAll(async () => {
    const open = async () => {
      stack = await openPooledServers({ redis });
      return stack;
    };
    world = await openWorld(open);
    // One process caches nothing, so that its reads use prepared statements in any other mode.
    others.push(await startBroker({ dataDir: openDataDir(), env: environment({ CREDENTIAL_CACHE_MAX: '0' }) }));
    others.push(await startBroker({ dataDir: openDataDir(), env: environment(), command: 'worker' }));
    apis = [world.broker, ...others.slice(0, 1)].map(({ url }) => createApi(url, stack.adminKey()));
    connections = await addLoadedConnections(world, 3);
  });
  afterAll(async () => {
    for (const other of others) await other.stop();
    await world?.close();
    for (const dataDir of dataDirs) await dataDir.remove();
  });

  test('readers, edits, refreshes, revocations and callbacks at several processes meet no error of the server', async () => {
    const { responses, failures } = await runLoad(world, apis, connections, loadMs);
    expect(failures).toEqual([]);
    expect(responses).toBeGreaterThan(100);
  });

  test('jobs run: a sweep has ended, and every process is healthy', async () => {
    for (const api of apis) {
      await expect
        .poll(async () => (await api.get('/health')).body, { timeout: 25_000 })
        .toMatchObject({ status: 'ok', last_sweep_at: expect.any(String) });
    }
  });

  test(
    'a pooler that restarts under load is used again by every process, and causes no 500 meanwhile',
    async () => {
      const loaded = runLoad(world, apis, connections, outageMs + loadMs / 2);
      await sleep(loadMs / 4);
      await stack.pooler.kill();
      await sleep(outageMs);
      await stack.pooler.start();
      const { failures } = await loaded;
      // Callbacks are shown as pages, which have no status of their own here.
      expect(failures.filter(({ request, status }) => request !== 'authorize' && status !== 503)).toEqual([]);
      const [connection] = connections;
      if (connection === undefined) throw new Error('there is no connection');
      await waitUntilServing(apis, connection, recoveryLimitMs);
      expect(await runLoad(world, apis, connections, loadMs / 2)).toMatchObject({ failures: [] });
    },
    restartLimitMs,
  );

  if (redis)
    test('without a direct connection nothing is cached, and a revocation holds at once', async () => {
      const env = environment({ DATABASE_LISTEN_URL: '', DATABASE_POOLER: 'transaction' });
      const alone = await startBroker({ dataDir: openDataDir(), env });
      others.push(alone);
      const connection = await addConnection(world);
      await importGrant(world, connection, 3600);
      const api = createApi(alone.url, stack.adminKey());
      expect((await api.get(connection.credential)).status).toBe(200);
      expect((await world.api.post(`${connection.path}/revoke`)).status).toBe(200);
      expect(await api.get(connection.credential)).toMatchObject({ status: 503, body: { status_reason: 'revoked' } });
    });

  if (redis) return;
  test.each([
    ['DATABASE_URL', { DATABASE_LISTEN_URL: '' }],
    ['DATABASE_LISTEN_URL', { DATABASE_POOLER: 'transaction', DATABASE_LISTEN_URL: 'pooled' }],
  ])('a start whose %s goes through a pooler that it does not expect is refused', async (variable, values) => {
    const listenUrl = values.DATABASE_LISTEN_URL === '' ? '' : stack.pooler.url;
    const env = environment({ ...values, DATABASE_LISTEN_URL: listenUrl });
    const refused = spawnBroker({ dataDir: openDataDir(), port: await freePort(), env });
    const [code] = await refused.ended;
    expect(code).toBe(1);
    expect(refused.logs()).toContain(`${variable} goes through a transaction pooler`);
  });
}

describeWithPgBouncer('processes behind a transaction pooler', () => {
  describe('with their queue in Postgres', () => suiteWith(false));
  describeWithRedis('with their queue in Redis', () => suiteWith(true));
});
