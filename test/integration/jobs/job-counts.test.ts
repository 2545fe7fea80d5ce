import { expect, test, vi } from 'vitest';
import type { JobEnd } from '../../../src/domain/ports/monitoring/observations.ts';
import { hourMs } from '../../support/queue/recorded-jobs.ts';
import { describeOnBothServers, patience } from './queue-fixture.ts';

describeOnBothServers((queues) => {
  test('the queue tells how many jobs are ready, delayed and running, to every process', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const other = await queues.start({ worker: false });
    const jobsOf = async (queue: string) => (await other.jobs.count()).find((one) => one.queue === queue)?.jobs;
    await other.jobs.enqueue(['a'], 0, { organizationId: 'acme' });
    await other.jobs.enqueueAhead([{ grantId: 'b', organizationId: null, version: 1, delayMs: hourMs }]);
    expect(await jobsOf('batches')).toEqual({ ready: 1, delayed: 0, running: 0 });
    expect(await jobsOf('periodic')).toEqual({ ready: 0, delayed: 1, running: 0 });
    await queues.start({ handlers: { refresh: () => held } });
    await vi.waitFor(
      async () => expect(await jobsOf('batches')).toEqual({ ready: 0, delayed: 0, running: 1 }),
      patience,
    );
    release();
    await vi.waitFor(
      async () => expect(await jobsOf('batches')).toEqual({ ready: 0, delayed: 0, running: 0 }),
      patience,
    );
  });

  test('each job is reported by its kind and result when it ends', async () => {
    const ends: JobEnd[] = [];
    const worker = await queues.start({
      onJobEnd: (end) => ends.push(end),
      handlers: {
        sweep: async () => {
          throw new Error('out of order');
        },
      },
    });
    await worker.jobs.enqueue(['a'], 0);
    await worker.jobs.enqueueSweep();
    const results = () => ends.map(({ kind, result }) => `${kind} ${result}`);
    await vi.waitFor(
      () => expect(results()).toEqual(expect.arrayContaining(['batch completed', 'sweep failed'])),
      patience,
    );
    expect(ends.every(({ seconds }) => seconds >= 0)).toBe(true);
  });
});
