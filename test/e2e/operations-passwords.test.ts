import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type FaultRedis, startFaultRedis } from '../support/faults/redis.ts';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { createRoleDatabase, type RoleDatabase } from '../support/postgres/role.ts';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../support/processes/data-dir.ts';
import { describeWithRedis } from '../support/redis/database.ts';
import { addConnection, connect, type TestConnection } from './connections.ts';
import { readDocumented } from './operations.ts';
import { openServers } from './stack.ts';
import { openWorld, testEnvironment, type World } from './world.ts';

/** Several starts and stops. */
const patience = 240_000;

describeWithRedis('passwords are rotated while callers fetch', () => {
  let world: World;
  let database: RoleDatabase;
  let redis: FaultRedis;
  let secondDataDir: DataDir;
  let second: BrokerProcess;
  let connection: TestConnection;
  /** URLs that the next restart uses. */
  let urls: { DATABASE_URL: string; REDIS_URL: string };

  const startSecond = async (port?: number) => {
    const env = { ...testEnvironment, ...world.stack.env, ...urls };
    second = await startBroker({ dataDir: secondDataDir.path, env, ...(port === undefined ? {} : { port }) });
  };
  const apis = () => [world.broker, second].map(({ url }) => createApi(url, world.stack.adminKey()));
  /** Processes that the load balancer sends fetches to: those that are ready and are not about to stop. */
  let balanced: Api[] = [];
  let load: { stop(): Promise<{ served: number; failures: string[] }> } | undefined;
  const underWay = new Set<Promise<unknown>>();
  /** Sends new fetches to these processes only, and waits for those that are under way. */
  const balanceOver = async (targets: Api[]) => {
    balanced = targets;
    await Promise.allSettled(underWay);
  };
  const restartAll = async () => {
    await balanceOver(apis().slice(1));
    await world.restart(urls);
    await balanceOver(apis().slice(0, 1));
    await second.stop();
    await startSecond(second.port);
    balanced = apis();
  };
  const healths = () => Promise.all(apis().map(async (api) => (await api.get('/health')).body));

  beforeAll(async () => {
    database = await createRoleDatabase();
    redis = await startFaultRedis();
    await callRedis('CONFIG', 'SET', 'requirepass', 'old');
    urls = { DATABASE_URL: database.url, REDIS_URL: withPassword(redis.url, 'old') };
    world = await openWorld(openServers, urls);
    secondDataDir = createDataDir();
    await startSecond();
    balanced = apis();
    connection = await addConnection(world);
    await connect(world, connection, 'ada');
  }, patience);
  afterEach(async () => void (await load?.stop()));
  afterAll(async () => {
    if (second?.isRunning()) await second.stop();
    await world?.close();
    await secondDataDir?.remove();
    await redis?.remove();
    await database?.drop();
  }, patience);

  test('no fetch fails while a second role takes the place of the first one', { timeout: patience }, async () => {
    const role = new URL(database.url).username;
    const next = `next_${randomBytes(6).toString('hex')}`;
    const statements = readDocumented({ heading: 'Rotate secrets', language: 'sql' })
      .replaceAll('broker_next', next)
      .replaceAll(/\bbroker\b/g, role)
      .split('-- After the last restart:\n');
    const [before = '', after = ''] = statements;
    startLoad();
    await database.sql(before);
    const url = new URL(database.url);
    [url.username, url.password] = [next, 'NEW'];
    urls.DATABASE_URL = url.href;
    await restartAll();
    await database.sql(after);
    expect(await database.sql(`select 1 from pg_stat_activity where usename = '${role}'`)).toEqual([]);
    await renewAtBoth();
    expect(await load?.stop()).toEqual({ served: expect.any(Number), failures: [] });
    await expect.poll(healths).toMatchObject([{ status: 'ok' }, { status: 'ok' }]);
    // Everything still belongs to the first role, also what was created since.
    const owners = `select distinct pg_get_userbyid(relowner) as owner from pg_class
      where relnamespace = 'public'::regnamespace`;
    await database.sql(`alter role ${role} login`);
    expect(await database.sql(owners)).toEqual([{ owner: role }]);
    urls.DATABASE_URL = database.url;
    await restartAll();
    await database.sql(`drop role ${next}`);
  });

  test('a process whose password was changed fetches until it loses its connections, and works after a restart', {
    timeout: patience,
  }, async () => {
    const role = new URL(database.url).username;
    // Each process has a connection for this fetch. The next one needs none: it is served from memory.
    for (const api of apis()) expect((await api.get(connection.credential)).status).toBe(200);
    await database.sql(`alter role ${role} password 'changed'`);
    for (const api of apis()) expect((await api.get(connection.credential)).status).toBe(200);
    await database.sql(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`);
    await expect
      .poll(() => Promise.all(apis().map(async (api) => (await api.get('/readyz')).status)), { timeout: 30_000 })
      .toEqual([503, 503]);
    const url = new URL(database.url);
    url.password = 'changed';
    urls.DATABASE_URL = url.href;
    await restartAll();
    await expect.poll(healths).toMatchObject([{ database: 'ok' }, { database: 'ok' }]);
    await renewAtBoth();
  });

  test('no fetch fails and the queue stays while Redis changes its password', { timeout: patience }, async () => {
    startLoad();
    await callRedis('ACL', 'SETUSER', 'default', '>new');
    urls.REDIS_URL = withPassword(redis.url, 'new');
    await restartAll();
    await callRedis('ACL', 'SETUSER', 'default', '<old');
    await expect.poll(healths).toMatchObject([
      { status: 'ok', queue: 'ok' },
      { status: 'ok', queue: 'ok' },
    ]);
    expect(await load?.stop()).toEqual({ served: expect.any(Number), failures: [] });
    const outdated = new Redis(withPassword(redis.url, 'old'), { lazyConnect: true, retryStrategy: () => null });
    outdated.on('error', () => {});
    await expect(outdated.ping()).rejects.toThrow();
    outdated.disconnect();
  });

  /** Renews the token at each process, which reads and writes the database. */
  async function renewAtBoth(): Promise<void> {
    for (const api of apis()) {
      const { body } = await api.get(connection.credential);
      const renewed = await api.post(`${connection.credential}/renew`, { rejected_token: body.access_token });
      expect([renewed.status, renewed.text]).toEqual([200, expect.stringContaining('access_token')]);
    }
  }

  /** Fetches again and again, from each process in turn. */
  function startLoad(): void {
    let isOver = false;
    let served = 0;
    const failures: string[] = [];
    const run = async (turn: number) => {
      for (let at = turn; !isOver; at++) {
        const api = balanced[at % balanced.length];
        if (api === undefined) throw new Error('no process is balanced');
        const response = api.get(connection.credential);
        underWay.add(response);
        const { status, text } = await response.catch((error: Error) => ({ status: 0, text: error.message }));
        underWay.delete(response);
        if (status === 200) served += 1;
        else failures.push(text);
      }
    };
    const loops = [run(0), run(1)];
    load = {
      async stop() {
        isOver = true;
        await Promise.all(loops);
        return { served, failures };
      },
    };
  }

  /** Uses a connection of its own with the password of the moment. */
  async function callRedis(command: string, ...words: string[]): Promise<void> {
    const client = new Redis(urls?.REDIS_URL ?? redis.url);
    await client.call(command, ...words);
    client.disconnect();
  }
});

function withPassword(address: string, password: string): string {
  const url = new URL(address);
  url.password = password;
  return url.href;
}
