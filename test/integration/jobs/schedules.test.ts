import { expect, test, vi } from 'vitest';
import { hourMs } from '../../support/queue/recorded-jobs.ts';
import { describeOnBothServers, patience } from './queue-fixture.ts';

describeOnBothServers((queues) => {
  test('processes that start together and each queue a sweep run one sweep', async () => {
    const both = await Promise.all([queues.start(), queues.start()]);
    await Promise.all(both.map(({ jobs }) => jobs.enqueueSweep()));
    const [one, other] = both;
    await vi.waitFor(() => expect((one?.sweeps ?? 0) + (other?.sweeps ?? 0)).toBe(1), patience);
    await one?.jobs.enqueueSweep();
    await one?.jobs.enqueue(['later'], 0);
    await vi.waitFor(() => expect([one?.refreshed, other?.refreshed].flat()).toEqual(['later']), patience);
    expect((one?.sweeps ?? 0) + (other?.sweeps ?? 0)).toBe(1);
  });

  test('sweeps run on schedule, one at a time, even after a failed one', async () => {
    const worker = await queues.start({
      sweepIntervalMs: 400,
      handlers: {
        sweep: async () => {
          if (worker.sweeps === 1) throw new Error('first sweep failed');
        },
      },
    });
    await vi.waitFor(() => expect(worker.sweeps).toBeGreaterThanOrEqual(4), patience);
  });

  test('each kind of periodic work has a schedule of its own', async () => {
    const worker = await queues.start({ intervals: { health: 500 } });
    await vi.waitFor(() => expect(worker.healthChecks).toBeGreaterThanOrEqual(3), patience);
    expect([worker.sweeps, worker.expiries]).toEqual([1, 1]);
  });

  test('a restart keeps the schedule of sweeps, and another interval replaces it', async () => {
    const first = await queues.start();
    await vi.waitFor(() => expect(first.sweeps).toBe(1), patience);
    const before = await queues.schedule();
    await first.jobs.close();
    await queues.start();
    expect(await queues.schedule()).toEqual(before);
    await queues.start({ sweepIntervalMs: hourMs / 2 });
    expect((await queues.schedule())?.every).toBe(hourMs / 2);
  });

  test('a process without a worker runs no jobs and sets no schedule', async () => {
    const api = await queues.start({ worker: false });
    await api.jobs.enqueue(['a'], 0);
    expect(api.jobs.isUp()).toBe(true);
    expect(await queues.schedule()).toBeUndefined();
    const worker = await queues.start();
    await vi.waitFor(() => expect(worker.refreshed).toEqual(['a']), patience);
    expect(api.refreshed).toEqual([]);
  });

  test('a queue server that was emptied gets its schedules back and continues', async () => {
    const worker = await queues.start();
    await vi.waitFor(() => expect([worker.sweeps, worker.healthChecks, worker.expiries]).toEqual([1, 1, 1]), patience);
    await queues.backend().empty();
    await vi.waitFor(async () => expect(await queues.schedule()).toBeDefined(), patience);
    await vi.waitFor(() => expect([worker.sweeps, worker.healthChecks, worker.expiries]).toEqual([2, 2, 2]), patience);
    for (const kind of ['sweep', 'health', 'expiry'] as const)
      expect(await queues.schedule(kind)).toMatchObject({ every: hourMs });
    await worker.jobs.enqueue(['after'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toEqual(['after']), patience);
  });
});
