import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Api, createApi } from '../support/http/broker-api.ts';
import { type BrokerProcess, startBroker } from '../support/processes/broker-process.ts';
import { createDataDir, type DataDir } from '../support/processes/data-dir.ts';
import { describeWithRedis } from '../support/redis/database.ts';
import { addConnection, connect, importGrant, startAuthorization, walkToCallback } from './connections.ts';
import { openServers } from './stack.ts';
import { openWorld, testEnvironment, type World } from './world.ts';

describeWithRedis('two processes on one database', () => {
  let world: World;
  let second: BrokerProcess;
  let dataDir: DataDir;
  let api: Api;
  beforeAll(async () => {
    world = await openWorld(openServers);
    dataDir = createDataDir();
    // Both processes have one public origin, as behind a load balancer.
    second = await startBroker({
      dataDir: dataDir.path,
      env: { ...testEnvironment, ...world.stack.env, PUBLIC_URL: world.broker.url },
    });
    api = createApi(second.url, world.stack.adminKey());
  });
  afterAll(async () => {
    await second?.stop();
    await dataDir?.remove();
    await world?.close();
  });

  test('100 readers of an expired token at two processes share one token request', async () => {
    const connection = await addConnection(world);
    await importGrant(world, connection, -60);
    const before = world.provider.countTokenRequests('refresh_token');
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? api : world.api).get(connection.credential)),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(100).fill(200));
    const tokens = [...new Set(responses.map(({ body }) => body.access_token))];
    expect(tokens).toHaveLength(1);
    expect(world.provider.countTokenRequests('refresh_token')).toBe(before + 1);
    expect(await world.provider.accepts(tokens[0] ?? '')).toBe(true);
  });

  test('an authorization started at one process can be completed at another', async () => {
    const connection = await addConnection(world);
    const authorization = await startAuthorization(world, connection);
    const { browser, callback } = await walkToCallback(authorization);
    expect((await browser.send('GET', new URL(callback.pathname + callback.search, second.url))).status).toBe(200);
    expect((await world.api.get(`/authorizations/${authorization.state}`)).body.status).toBe('completed');
  });

  test('a token revoked at one process is not served by another, from the next read on', async () => {
    const connection = await addConnection(world);
    await connect(world, connection, 'ada');
    expect((await api.get(connection.credential)).status).toBe(200);
    expect((await world.api.post(`${connection.path}/revoke`)).status).toBe(200);
    expect(await api.get(connection.credential)).toMatchObject({ status: 503, body: { status_reason: 'revoked' } });
  });

  test('requests with one API key at both processes share its limit', { timeout: 120_000 }, async () => {
    const limit = 6;
    /** Requests with a new key, at each process in turn, that are served before both refuse. */
    async function served(): Promise<number> {
      const rights = { permissions: ['connections:read'], organizations: ['acme'], rate_limit_per_minute: limit };
      const created = await world.api.post('/admin/api-keys', { name: 'limited', ...rights });
      expect(created.status, created.text).toBe(201);
      const key = String(created.body.key);
      const callers = [createApi(world.broker.url, key), createApi(second.url, key)];
      const statuses: number[] = [];
      for (let turn = 0; turn <= limit; turn++) {
        for (const caller of callers) statuses.push((await caller.get('/providers')).status);
      }
      expect(statuses.slice(-2)).toEqual([429, 429]);
      return statuses.filter((status) => status === 200).length;
    }
    // A process counts alone before it has reached Redis, and for 5 seconds after a reply that a busy machine delayed.
    await expect.poll(served, { timeout: 60_000, interval: 1000 }).toBe(limit);
  });

  test('after one process is killed, another serves a token that must be refreshed first', async () => {
    const connection = await addConnection(world);
    await importGrant(world, connection, -60);
    await world.broker.kill();
    expect((await api.get(connection.credential)).status).toBe(200);
    await world.restart();
    expect((await world.api.get(connection.credential)).status).toBe(200);
  });
});
