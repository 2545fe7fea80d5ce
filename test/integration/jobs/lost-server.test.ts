import { expect, test, vi } from 'vitest';
import { describeOnBothServers, patience } from './queue-fixture.ts';

describeOnBothServers((queues) => {
  test('enqueueing fails while the queue server is away at the start, and works once it is there', async () => {
    const network = await queues.proxy('cut');
    const worker = await queues.start({ url: network.url });
    expect(worker.jobs.isUp()).toBe(false);
    await expect(worker.jobs.enqueue(['a'], 0)).rejects.toMatchObject({ code: 'service_unavailable' });
    await expect(worker.jobs.enqueueSweep()).rejects.toMatchObject({ code: 'service_unavailable' });
    await network.restore();
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(true), patience);
    await worker.jobs.enqueue(['a'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toEqual(['a']), patience);
    await vi.waitFor(() => expect(worker.sweeps).toBe(1), patience);
  });

  test('queue and worker reconnect to a queue server that goes away and comes back', async () => {
    const network = await queues.proxy('open');
    const worker = await queues.start({ url: network.url });
    await network.cut();
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(false), patience);
    const direct = await queues.start({ worker: false });
    await direct.jobs.enqueue(['waiting'], 0);
    await network.restore();
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(true), patience);
    await vi.waitFor(() => expect(worker.refreshed).toEqual(['waiting']), patience);
  });

  test('enqueueing fails within its limit when the queue server does not respond', async () => {
    const network = await queues.proxy('open');
    const worker = await queues.start({ url: network.url });
    network.hang();
    await expect(worker.jobs.enqueue(['a'], 0)).rejects.toMatchObject({ code: 'service_unavailable' });
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(false), patience);
    await network.restore();
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(true), patience);
    await worker.jobs.enqueue(['b'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toContain('b'), patience);
  });

  test('closing the queue ends while its server is away', async () => {
    const network = await queues.proxy('open');
    const worker = await queues.start({ url: network.url });
    await network.cut();
    await vi.waitFor(() => expect(worker.jobs.isUp()).toBe(false), patience);
    await worker.jobs.close();
    expect(worker.jobs.isUp()).toBe(false);
  });

  test('the password of the queue server does not reach the log', async () => {
    const url = new URL(queues.backend().url);
    url.username = 'nobody';
    url.password = 'canary-password';
    const worker = await queues.start({ url: url.href });
    expect(worker.jobs.isUp()).toBe(false);
    expect(worker.warnings).not.toEqual([]);
    expect(worker.warnings.join()).not.toContain('canary-password');
  });
});
