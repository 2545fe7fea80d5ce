import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { postgresBackend, redisBackend } from '../../support/queue/backends.ts';
import { type Recorded, record } from '../../support/queue/recorded-jobs.ts';
import { describeWithRedis } from '../../support/redis/database.ts';
import { describeOnBothServers, patience } from './queue-fixture.ts';

const [installation, neighbour] = ['01980c2e-0000-7000-8000-000000000001', '01980c2e-0000-7000-8000-000000000002'];

describeOnBothServers((queues) => {
  test('two installations on one server have schedules of their own and never take a job of each other', async () => {
    const one = await queues.start({ installationId: installation });
    const other = await queues.start({ installationId: neighbour });
    await vi.waitFor(() => expect([one.sweeps, other.sweeps]).toEqual([1, 1]), patience);
    const ids = Array.from({ length: 250 }, (_, n) => `grant-${n}`);
    await one.jobs.enqueue(ids, 0);
    await one.jobs.enqueueAhead([{ grantId: 'ahead', organizationId: null, version: 1, delayMs: 0 }]);
    await vi.waitFor(() => expect([one.refreshed.length, one.refreshedAhead.length]).toEqual([250, 1]), patience);
    expect([other.refreshed, other.refreshedAhead]).toEqual([[], []]);
  });

  test('an installation without workers leaves its jobs to its own, although a neighbour has one', async () => {
    const api = await queues.start({ worker: false, installationId: installation });
    const stranger = await queues.start({ installationId: neighbour });
    await api.jobs.enqueue(['a'], 0);
    await stranger.jobs.enqueue(['b'], 0);
    await vi.waitFor(() => expect(stranger.refreshed).toEqual(['b']), patience);
    const worker = await queues.start({ installationId: installation });
    await vi.waitFor(() => expect(worker.refreshed).toEqual(['a']), patience);
    expect(stranger.refreshed).toEqual(['b']);
  });
});

describeWithRedis('queues of version 0.1 in Redis', () => {
  let backend: Awaited<ReturnType<typeof redisBackend>>;
  let worker: Recorded;
  beforeEach(async () => {
    backend = await redisBackend();
  });
  afterEach(async () => {
    await worker.jobs.close();
    await backend.drop();
  });

  test('their jobs are left alone and reported once, and the schedules start anew', async () => {
    const queue = new Queue('token-broker-batches', { prefix: 'token-broker', connection: { url: backend.url } });
    const schedules = new Queue('token-broker-periodic', { prefix: 'token-broker', connection: { url: backend.url } });
    await queue.add('batch', { grantIds: ['of-another-installation'] });
    await schedules.upsertJobScheduler('sweep-clock', { every: 1000 }, { name: 'tick', data: { of: 'sweep' } });
    const keys = async () => {
      const client = new Redis(backend.url);
      const found = await client.keys('token-broker:token-broker-*');
      client.disconnect();
      return found.toSorted();
    };
    const before = await keys();
    worker = record(backend.location);
    await worker.jobs.start(true);
    await vi.waitFor(() => expect(worker.sweeps).toBe(1), patience);
    await worker.jobs.enqueue(['own'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toEqual(['own']), patience);
    expect(await keys()).toEqual(before);
    expect(await queue.getJobCountByTypes('waiting')).toBe(1);
    expect(worker.warnings.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ msg: 'queues of an earlier version found', keys: 'token-broker:token-broker-*' }),
    ]);
    await queue.close();
    await schedules.close();
  });
});

describe('another application with BullMQ in the same database', () => {
  test('its jobs are left alone, and it takes none of the installation', async () => {
    const backend = await postgresBackend();
    const { createPostgresBackend } = await import('bullmq');
    const connection = { connectionString: backend.url, migrate: true, max: 2 };
    const strange = new Queue('token-broker-batches', { connection }, createPostgresBackend);
    const worker = record(backend.location);
    try {
      await strange.add('batch', { grantIds: ['of-another-application'] });
      await worker.jobs.start(true);
      await worker.jobs.enqueue(['own'], 0);
      await vi.waitFor(() => expect(worker.refreshed).toEqual(['own']), patience);
      expect(await strange.getJobCountByTypes('waiting')).toBe(1);
      const client = new Client({ connectionString: backend.url });
      await client.connect();
      const { rows } = await client.query(
        "select distinct table_schema from information_schema.tables where table_name = 'job'",
      );
      await client.end();
      expect(rows).toHaveLength(2);
    } finally {
      await worker.jobs.close();
      await strange.close();
      await backend.drop();
    }
  });
});
