import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kill } from 'node:process';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { spawnBroker } from '../support/processes/broker-process.ts';
import { createDataDir } from '../support/processes/data-dir.ts';
import { freePort } from '../support/processes/free-port.ts';
import { json } from '../support/provider/hostile-provider.ts';
import { createTestRedis, describeWithRedis, type TestRedis } from '../support/redis/database.ts';
import { canaries, canary, canaryTokens, leaksIn } from './canaries.ts';
import { addConnection, connect, expectStatus, openScene, type Scene } from './scene.ts';

/** Time for the start of one more process on a busy machine. */
const limits = { timeout: 90_000 };

describeWithRedis('leaks of secrets into a queue on Redis', () => {
  let redis: TestRedis;
  let scene: Scene;
  let monitor: Redis;
  /** Every command that any client sent to the database of this test, with its arguments. */
  const commands: string[] = [];
  beforeAll(async () => {
    redis = await createTestRedis();
    const database = new URL(redis.url).pathname.slice(1);
    const client = new Redis(redis.url);
    monitor = await client.monitor();
    client.disconnect();
    monitor.on('monitor', (_time: string, args: string[], _source: string, number: string) => {
      if (number === database) commands.push(args.join(' '));
    });
    scene = await openScene({ REDIS_URL: redis.url, ADMIN_API_KEY: canary('admin') });
  });
  afterAll(async () => {
    monitor?.disconnect();
    await scene?.close();
    await redis?.drop();
  });

  test('no job, schedule or key holds a secret, from a sweep to a revocation that is tried again', async () => {
    scene.provider.script('/token', canaryTokens());
    const connection = await addConnection(scene, { body: { client_secret: canary('clientsecret') } });
    await connect(scene, connection);
    const due = {
      access_token: canary('access'),
      refresh_token: canary('refresh'),
      subject: 'due',
      expires_at: '2020-02-03T04:05:06.789Z',
    };
    expectStatus(await scene.api.post(`${connection.path}/grants`, due), 201);
    // A request joins the sweep of the start if that still runs, and that one may have passed this grant.
    const wasSwept = async () => {
      await scene.api.post('/admin/refresh/expiring');
      return scene.provider.received.some(({ body }) => body.includes(due.refresh_token));
    };
    await expect.poll(wasSwept, { timeout: 15_000, interval: 500 }).toBe(true);
    scene.provider.script('/revoke', json(503, {}));
    expectStatus(await scene.api.post(`${connection.path}/revoke`), 200);
    expect(commands.length).toBeGreaterThan(20);
    expect(canaries.size).toBeGreaterThan(6);
    expect(leaksIn('the commands of the queue', commands.join('\n'))).toEqual([]);
    expect(leaksIn('the log', scene.broker.logs())).toEqual([]);
  });
});

describe('leaks of secrets by a crash', () => {
  const ended: (() => Promise<unknown>)[] = [];
  afterEach(() => Promise.all(ended.splice(0).map((end) => end())));

  /** Errors as libraries make them: with requests, parameters and bodies attached. Each holds the secret somewhere. */
  const crashes: [string, (secret: string) => string][] = [
    [
      'an error with the request and the response attached',
      (secret) =>
        `throw Object.assign(new Error('failed', { cause: { body: '${secret}' } }), { headers: { authorization: 'Bearer ${secret}' }, parameters: ['${secret}'] })`,
    ],
    ['an error that quotes the text it could not parse', (secret) => `JSON.parse('${secret}')`],
    ['a rejected promise with an object', (secret) => `Promise.reject({ access_token: '${secret}' })`],
    [
      'a warning with the secret attached',
      (secret) => `process.emitWarning(Object.assign(new Error('w'), { token: '${secret}' })); throw new Error('x')`,
    ],
  ];

  test.each(crashes)('%s ends the process, and neither log nor stderr holds it', limits, async (_, crash) => {
    const secret = canary('incrash');
    const code = `process.on('SIGUSR2', () => setImmediate(() => { ${crash(secret)} }))`;
    const dataDir = createDataDir();
    ended.push(() => dataDir.remove());
    const script = join(dataDir.path, 'crash.mjs');
    writeFileSync(script, code);
    const broker = spawnBroker({
      dataDir: dataDir.path,
      port: await freePort(),
      env: {
        NODE_OPTIONS: `--import=${pathToFileURL(script)}`,
        // No server listens there: the process waits for its database until it crashes.
        DATABASE_URL: `postgres://broker:${canary('databasepassword')}@127.0.0.1:1/broker`,
        ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
        ADMIN_API_KEY: canary('admin'),
        LOG_LEVEL: 'trace',
      },
    });
    ended.push(async () => broker.isRunning() && (await broker.kill()));
    await expect.poll(() => broker.logs(), { timeout: 60_000 }).toContain('"level"');
    kill(broker.pid ?? 0, 'SIGUSR2');
    const [exitCode] = await broker.ended;
    expect(exitCode).toBe(1);
    expect(broker.logs()).toContain('uncaught error');
    expect(leaksIn('the output', broker.logs())).toEqual([]);
  });
});
