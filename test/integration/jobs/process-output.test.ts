import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startFaultRedis } from '../../support/faults/redis.ts';
import { createTcpProxy } from '../../support/faults/tcp-proxy.ts';
import { createTestDatabase } from '../../support/postgres/database.ts';
import { type BrokerProcess, startBroker } from '../../support/processes/broker-process.ts';
import { createDataDir } from '../../support/processes/data-dir.ts';
import { describeWithRedis } from '../../support/redis/database.ts';

const patience = { timeout: 40_000, interval: 50 };
const password = 'canary-password';
const encryptionKey = `k1:${Buffer.alloc(32, 7).toString('base64')}`;

let stack: AsyncDisposableStack;
beforeEach(() => {
  stack = new AsyncDisposableStack();
});
afterEach(() => stack.disposeAsync());

async function start(env: Record<string, string> = {}): Promise<BrokerProcess> {
  const dataDir = createDataDir();
  stack.defer(() => dataDir.remove());
  const broker = await startBroker({ dataDir: dataDir.path, env });
  stack.defer(() => broker.kill());
  // Later than /readyz, which does not wait for the queue.
  await waitFor(broker, '"msg":"ready"');
  return broker;
}

async function testDatabase(): Promise<string> {
  const database = await createTestDatabase();
  stack.defer(() => database.drop());
  return database.url;
}

/** Fails with the first line that a log collector could not parse. */
function parsed(broker: BrokerProcess): Record<string, unknown>[] {
  return broker.lines().map((line) => {
    try {
      return JSON.parse(line) as Record<string, unknown>;
    } catch {
      throw new Error(`not a line of JSON: ${line}`);
    }
  });
}

async function waitFor(broker: BrokerProcess, text: string, times = 1): Promise<void> {
  await vi.waitFor(() => expect(broker.logs().split(text).length - 1).toBeGreaterThanOrEqual(times), patience);
}

test('every output line is JSON when the queue is in a Postgres that goes away and comes back', {
  timeout: 90_000,
}, async () => {
  const network = await createTcpProxy(await testDatabase());
  stack.defer(() => network.close());
  const broker = await start({
    DATABASE_URL: network.url,
    ENCRYPTION_KEYS: encryptionKey,
    ADMIN_API_KEY: 'a'.repeat(32),
  });
  await network.cut();
  await waitFor(broker, 'queue unreachable');
  await network.restore();
  await waitFor(broker, 'queue reachable', 2);
  expect(await broker.stop()).toBe(0);
  expect(parsed(broker)).toContainEqual(expect.objectContaining({ msg: 'closed' }));
});

describeWithRedis('the output of a service on Redis', () => {
  test('every output line is JSON when Redis evicts keys, goes away and comes back', {
    timeout: 90_000,
  }, async () => {
    const redis = await startFaultRedis();
    stack.defer(() => redis.remove());
    const setPolicy = async () => {
      const client = new Redis(redis.url);
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      client.disconnect();
    };
    await setPolicy();
    const broker = await start({
      DATABASE_URL: await testDatabase(),
      ENCRYPTION_KEYS: encryptionKey,
      ADMIN_API_KEY: 'a'.repeat(32),
      REDIS_URL: redis.url.replace('//', `//:${password}@`),
    });
    await redis.kill();
    await waitFor(broker, 'queue unreachable');
    await redis.start();
    await setPolicy();
    await waitFor(broker, 'queue reachable', 2);
    await redis.kill();
    await waitFor(broker, 'queue unreachable', 2);
    expect(await broker.stop()).toBe(0);
    const lines = parsed(broker);
    const texts = lines.filter(({ msg }) => msg === 'library output').map(({ text }) => text);
    expect(texts).toEqual(['IMPORTANT! Eviction policy is allkeys-lru. It should be "noeviction"']);
    expect(broker.logs()).not.toContain(password);
  });
});

/** Starts the embedded default with a signal handler that runs `statement` in the process of the service. */
async function startWith(statement: string): Promise<BrokerProcess> {
  const folder = createDataDir();
  stack.defer(() => folder.remove());
  const module = join(folder.path, 'on-signal.mjs');
  writeFileSync(module, `process.on('SIGUSR2', () => { ${statement} });`);
  return start({ NODE_OPTIONS: `--import=${module}` });
}

function trigger({ pid = 0 }: BrokerProcess): void {
  process.kill(pid, 'SIGUSR2');
}

test('a warning of Node is logged as a line of JSON', { timeout: 90_000 }, async () => {
  const broker = await startWith("process.emitWarning('some warning', 'TestWarning', 'TEST1');");
  trigger(broker);
  await waitFor(broker, 'TEST1');
  expect(await broker.stop()).toBe(0);
  expect(parsed(broker)).toContainEqual(
    expect.objectContaining({
      level: 'warn',
      msg: 'process warning',
      err: expect.objectContaining({ name: 'TestWarning', code: 'TEST1', message: 'some warning' }),
    }),
  );
});

test.each([
  ['thrown', 'throw error;'],
  ['rejected', 'Promise.reject(error);'],
])(
  'an error that is %s and that nothing catches ends the service with a line of JSON',
  { timeout: 90_000 },
  async (_how, statement) => {
    const members = `{ command: { args: ['${password}'] } }`;
    const broker = await startWith(`const error = Object.assign(new Error('unexpected'), ${members}); ${statement}`);
    trigger(broker);
    expect(await broker.ended).toEqual([1, null]);
    expect(parsed(broker).at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'uncaught error',
      err: { message: 'unexpected' },
    });
    expect(broker.logs()).not.toContain(password);
  },
);
