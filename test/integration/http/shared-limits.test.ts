import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Caller } from '../../../src/domain/callers/caller.ts';
import { Secret } from '../../../src/domain/secret.ts';
import type { SharedCounts } from '../../../src/http/limits/shared-counts.ts';
import { type CountConnection, openCountConnection } from '../../../src/jobs/limits/count-connection.ts';
import { createTcpProxy, type TcpProxy } from '../../support/faults/tcp-proxy.ts';
import { admin, adminKey, createHttpFixture, type HttpFixture } from '../../support/http/server-fixture.ts';
import { createTestRedis, describeWithRedis, type TestRedis } from '../../support/redis/database.ts';

const limit = 6;
const limited: Caller = { ...admin, id: 'key:limited', rateLimitPerMinute: limit };

describeWithRedis('limits of several processes on one Redis', () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await createTestRedis();
  });
  const closers: (() => unknown)[] = [];
  afterAll(async () => {
    for (const close of closers.reverse()) await close();
    await redis?.drop();
  });

  /** A server with a connection of its own, as each process has one. */
  async function openServer(counts: Pick<SharedCounts, 'client' | 'prefix'>) {
    const states: string[] = [];
    const fixture = await createHttpFixture(
      { authenticateCaller: async () => limited },
      {
        rateLimitMax: limit,
        trustProxy: 1,
        sharedCounts: { ...counts, onLost: () => states.push('lost'), onRestored: () => states.push('restored') },
      },
    );
    closers.push(() => fixture.app.close());
    return { ...fixture, states };
  }

  /** A client without a time limit: a slow machine must not look like a lost Redis. */
  function patientClient(installation: string) {
    const client = new Redis(redis.url);
    closers.push(() => client.disconnect());
    return { client, prefix: () => `token-broker:${installation}:limits:` };
  }

  async function openConnection(url: string): Promise<CountConnection> {
    const connection = openCountConnection(new Secret(url));
    closers.push(() => connection.close());
    connection.start('away');
    await expect.poll(connection.prefix, { timeout: 30_000 }).toBe('token-broker:away:limits:');
    return connection;
  }

  const callback = async ({ app }: HttpFixture, address: string): Promise<number> =>
    (await app.inject({ url: '/callback/crm?state=x&code=y', headers: { 'x-forwarded-for': address } })).statusCode;
  const asCaller = async ({ app }: HttpFixture): Promise<number> =>
    (await app.inject({ url: '/providers', headers: { authorization: `Bearer ${adminKey}` } })).statusCode;

  test('public requests of one address, alternating between two processes, share one limit', async () => {
    const servers = [await openServer(patientClient('a')), await openServer(patientClient('a'))] as const;
    const statuses: number[] = [];
    for (let at = 0; at < limit; at++) statuses.push(await callback(servers[at % 2 === 0 ? 0 : 1], '203.0.113.1'));
    expect(statuses).not.toContain(429);
    for (const server of servers) expect(await callback(server, '203.0.113.1')).toBe(429);
    for (const server of servers) expect(await callback(server, '203.0.113.2')).not.toBe(429);
  });

  test('failed authentication of one address shares one limit, apart from that of public requests', async () => {
    const servers = [await openServer(patientClient('b')), await openServer(patientClient('b'))] as const;
    const failed = async ({ app }: HttpFixture) =>
      (await app.inject({ url: '/connections', headers: { 'x-forwarded-for': '203.0.113.1' } })).statusCode;
    for (let at = 0; at < limit; at++) expect(await failed(servers[at % 2 === 0 ? 0 : 1])).toBe(401);
    for (const server of servers) expect(await failed(server)).toBe(429);
    for (const server of servers) expect(await callback(server, '203.0.113.1')).not.toBe(429);
  });

  test('requests of one caller share the limit of the caller', async () => {
    const servers = [await openServer(patientClient('c')), await openServer(patientClient('c'))] as const;
    for (let at = 0; at < limit; at++) expect(await asCaller(servers[at % 2 === 0 ? 0 : 1])).toBe(200);
    for (const server of servers) expect(await asCaller(server)).toBe(429);
  });

  test('another installation on the same Redis counts apart', async () => {
    const one = await openServer(patientClient('d'));
    const other = await openServer(patientClient('e'));
    for (let at = 0; at < limit; at++) expect(await asCaller(one)).toBe(200);
    expect(await asCaller(one)).toBe(429);
    expect(await asCaller(other)).toBe(200);
  });

  test('before Redis is reached, a process counts alone', async () => {
    const connection = openCountConnection(new Secret(redis.url));
    closers.push(() => connection.close());
    const server = await openServer(connection);
    for (let at = 0; at < limit; at++) expect(await callback(server, '203.0.113.9')).not.toBe(429);
    expect(await callback(server, '203.0.113.9')).toBe(429);
    expect(server.states).toEqual([]);
  });

  test.each<[string, (proxy: TcpProxy) => unknown]>([
    ['is cut off', (proxy) => proxy.cut()],
    ['does not reply', (proxy) => proxy.hang()],
  ])('a Redis that %s refuses no request, and each process goes on with its own count', async (name, disturb) => {
    const proxy = await createTcpProxy(redis.url);
    closers.push(() => proxy.close());
    const server = await openServer(await openConnection(proxy.url));
    const address = `2001:db8:${name.length}::1`;
    for (let at = 0; at < limit - 2; at++) expect(await callback(server, address)).not.toBe(429);
    await disturb(proxy);
    for (let at = 0; at < 2; at++) expect(await callback(server, address)).not.toBe(429);
    expect(await callback(server, address)).toBe(429);
    expect(server.states).toContain('lost');
    await proxy.restore();
    let client = 0;
    const isRestored = async () => {
      await callback(server, `2001:db8:ff:${++client}::1`);
      return server.states.at(-1);
    };
    await expect.poll(isRestored, { timeout: 30_000, interval: 200 }).toBe('restored');
  });
});
