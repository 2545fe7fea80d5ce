import { expect, test, vi } from 'vitest';
import { describeOnBothServers, patience } from './queue-fixture.ts';

describeOnBothServers((queues) => {
  test('a long sweep is aborted when its process ends, and another process runs it', async () => {
    const worker = await queues.start({
      handlers: {
        sweep: async (signal) => {
          await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('ending'))));
        },
      },
    });
    await vi.waitFor(() => expect(worker.sweeps).toBe(1), patience);
    await worker.jobs.close();
    const successor = await queues.start();
    await vi.waitFor(() => expect(successor.sweeps).toBe(1), patience);
  });

  test('closing the queue waits for the running refresh and starts no other', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const worker = await queues.start({ concurrency: 1, handlers: { refresh: () => held } });
    await worker.jobs.enqueue(['running', 'waiting'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toHaveLength(1), patience);
    let closed = false;
    const closing = worker.jobs.close().then(() => {
      closed = true;
    });
    await queues.start({ worker: false });
    expect(closed).toBe(false);
    release();
    await closing;
    expect(worker.refreshed).toHaveLength(1);
    await expect(worker.jobs.enqueue(['too-late'], 0)).rejects.toMatchObject({ code: 'service_unavailable' });
    const successor = await queues.start();
    await vi.waitFor(() => expect(successor.refreshed).toHaveLength(1), patience);
  });

  test('a sweep that runs while its process closes still queues the grants it found', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const worker = await queues.start({
      handlers: {
        sweep: async () => {
          await held;
          await worker.jobs.enqueue(['found'], 0);
        },
      },
    });
    await vi.waitFor(() => expect(worker.sweeps).toBe(1), patience);
    const closing = worker.jobs.close();
    release();
    await closing;
    const successor = await queues.start();
    // Either worker may run it: the closing one may have fetched its next job already.
    await vi.waitFor(() => expect([...worker.refreshed, ...successor.refreshed]).toEqual(['found']), patience);
    expect(successor.sweeps).toBe(0);
  });
});
