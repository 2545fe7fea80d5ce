import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { Secret } from '../../../src/domain/secret.ts';
import { type FaultRedis, startFaultRedis } from '../../support/faults/redis.ts';
import { freePort } from '../../support/processes/free-port.ts';
import { type Recorded, record } from '../../support/queue/recorded-jobs.ts';
import { describeWithRedis } from '../../support/redis/database.ts';

const patience = { timeout: 30_000, interval: 50 };
const user = 'broker';
const password = 'canary-password';

/** A way to make Redis refuse, and the end of it. */
interface Refusal {
  failure: string;
  begin(admin: Redis): Promise<unknown>;
  end(admin: Redis): Promise<unknown>;
}

const allow = (admin: Redis) => admin.call('ACL', 'SETUSER', user, 'reset', 'on', `>${password}`, '~*', '&*', '+@all');

const refusals: Record<string, Refusal> = {
  'its memory is full and it evicts nothing': {
    failure: 'out_of_memory',
    begin: async (admin) => {
      await admin.config('SET', 'maxmemory-policy', 'noeviction');
      await admin.config('SET', 'maxmemory', '1');
    },
    end: (admin) => admin.config('SET', 'maxmemory', '0'),
  },
  'it became a read-only replica': {
    failure: 'read_only',
    // The replica serves what it has while it never reaches its primary.
    begin: async (admin) => admin.call('REPLICAOF', '127.0.0.1', String(await freePort())),
    end: (admin) => admin.call('REPLICAOF', 'NO', 'ONE'),
  },
  'its user may only read': {
    failure: 'no_permission',
    begin: (admin) => admin.call('ACL', 'SETUSER', user, '-@write'),
    end: allow,
  },
  'its user may add jobs and take none': {
    failure: 'no_permission',
    begin: (admin) => admin.call('ACL', 'SETUSER', user, '-bzpopmin'),
    end: allow,
  },
  'its user is limited to the keys of another program': {
    failure: 'no_permission',
    begin: (admin) => admin.call('ACL', 'SETUSER', user, 'resetkeys', '~other:*'),
    end: allow,
  },
  'the password of its user changed': {
    failure: 'authentication',
    begin: async (admin) => {
      await admin.call('ACL', 'SETUSER', user, 'resetpass', '>another-password');
      await admin.call('CLIENT', 'KILL', 'USER', user);
    },
    end: allow,
  },
  'it could not write a snapshot': {
    failure: 'snapshot_failed',
    begin: async (admin) => {
      await admin.config('SET', 'save', '3600 1');
      await admin.config('SET', 'rdb-key-save-delay', '10000000');
      await admin.set('changed', '1');
      await admin.bgsave();
      await vi.waitFor(() => killChildren(admin), patience);
    },
    end: (admin) => admin.config('SET', 'stop-writes-on-bgsave-error', 'no'),
  },
  'a script of another program never ends': {
    failure: 'busy',
    begin: async (admin) => {
      await admin.config('SET', 'busy-reply-threshold', '10');
      const other = admin.duplicate();
      other.on('error', () => {});
      void other.eval('while true do end', 0).catch(() => other.disconnect());
    },
    end: (admin) => admin.script('KILL'),
  },
};

/** Ends the process that writes a snapshot, which Redis counts as a failed snapshot. */
async function killChildren(admin: Redis): Promise<void> {
  const pid = /process_id:(\d+)/.exec(await admin.info('server'))?.[1];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  expect(children).not.toBe('');
  for (const child of children.split(' ')) process.kill(Number(child), 'SIGKILL');
}

/** A Redis of its own for one test: the tests run at once, because each waits most of its time. */
async function openRedis() {
  await using stack = new AsyncDisposableStack();
  const redis: FaultRedis = await startFaultRedis();
  stack.defer(() => redis.remove());
  const admin = new Redis(redis.url);
  admin.on('error', () => {});
  stack.defer(() => admin.disconnect());
  await allow(admin);
  const started: Recorded[] = [];
  stack.defer(async () => void (await Promise.all(started.map(({ jobs }) => jobs.close()))));
  const owned = stack.move();
  return {
    admin,
    async start(worker: boolean): Promise<Recorded> {
      const url = new URL(redis.url);
      [url.username, url.password] = [user, password];
      const recorded = record({ redisUrl: new Secret(url.href) });
      started.push(recorded);
      await recorded.jobs.start(worker);
      return recorded;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

describeWithRedis('a Redis that refuses commands', () => {
  const changesOf = ({ warnings }: Recorded) =>
    warnings.map((line) => JSON.parse(line) as { msg: string }).filter(({ msg }) => msg.startsWith('queue'));

  test.concurrent.for(Object.entries(refusals))(
    'when %s, the queue is down with the cause in one line of the log, and it comes back by itself',
    { timeout: 90_000 },
    async ([, { failure, begin, end }], { expect }) => {
      await using redis = await openRedis();
      const { admin, start } = redis;
      const worker = await start(true);
      await vi.waitFor(() => expect(worker.sweeps).toBe(1), patience);
      expect(worker.jobs.failure()).toBeNull();
      await begin(admin);
      await vi.waitFor(() => expect(worker.jobs.failure()).toBe(failure), patience);
      await expect(worker.jobs.enqueue(['a'], 0)).rejects.toMatchObject({ code: 'service_unavailable' });
      // Longer than the pauses of workers and checks: the state must not change between two refusals.
      const until = Date.now() + 8_000;
      while (Date.now() < until) {
        expect(worker.jobs.failure()).toBe(failure);
        await sleep(100);
      }
      expect(changesOf(worker)).toEqual([expect.objectContaining({ msg: 'queue refuses commands', cause: failure })]);
      expect(worker.warnings.filter((line) => line.includes('job failed'))).toEqual([]);
      expect(worker.warnings.join()).not.toContain(password);
      await end(admin);
      await vi.waitFor(() => expect(worker.jobs.failure()).toBeNull(), patience);
      await worker.jobs.enqueue(['b'], 0);
      await vi.waitFor(() => expect(worker.refreshed).toEqual(['b']), patience);
    },
  );

  test.concurrent('a process that starts while Redis refuses writes works as soon as they are accepted', {
    timeout: 90_000,
  }, async ({ expect }) => {
    await using redis = await openRedis();
    const { admin, start } = redis;
    await refusals['its memory is full and it evicts nothing']?.begin(admin);
    const [api, worker] = await Promise.all([start(false), start(true)]);
    await vi.waitFor(
      () => expect([api.jobs.failure(), worker.jobs.failure()]).toEqual(['out_of_memory', 'out_of_memory']),
      patience,
    );
    await admin.config('SET', 'maxmemory', '0');
    await vi.waitFor(() => expect([api.jobs.failure(), worker.jobs.failure()]).toEqual([null, null]), patience);
    await api.jobs.enqueue(['a'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toEqual(['a']), patience);
    await vi.waitFor(() => expect(worker.sweeps).toBe(1), patience);
  });
});
