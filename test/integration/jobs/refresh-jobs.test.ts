import { expect, test, vi } from 'vitest';
import { hourMs } from '../../support/queue/recorded-jobs.ts';
import { describeOnBothServers, patience } from './queue-fixture.ts';

describeOnBothServers((queues) => {
  test('a refresh that throws does not stop the others, and its grant can be queued again', async () => {
    let broken = true;
    const worker = await queues.start({
      concurrency: 1,
      handlers: {
        refresh: async (id) => {
          if (id === 'broken' && broken) throw new Error('out of order');
        },
      },
    });
    await worker.jobs.enqueue(['broken', 'fine-1', 'fine-2'], 0);
    await vi.waitFor(() => expect(worker.refreshed).toHaveLength(3), patience);
    await vi.waitFor(() => expect(worker.warnings.join()).toContain('out of order'), patience);
    broken = false;
    await worker.jobs.enqueue(['broken'], 0);
    await vi.waitFor(() => expect(worker.refreshed.filter((id) => id === 'broken')).toHaveLength(2), patience);
  });

  test('a large number of grants is refreshed within the limit of concurrent refreshes', async () => {
    let running = 0;
    let most = 0;
    const worker = await queues.start({
      concurrency: 3,
      handlers: {
        refresh: async () => {
          running += 1;
          most = Math.max(most, running);
          await new Promise((resolve) => setTimeout(resolve, 2));
          running -= 1;
        },
      },
    });
    const grants = Array.from({ length: 1200 }, (_, index) => `grant-${index}`);
    for (let n = 0; n < 4; n++) {
      await worker.jobs.enqueue(grants.slice(n * 300, (n + 1) * 300), 50, { organizationId: `organization-${n}` });
    }
    await vi.waitFor(() => expect(worker.refreshed).toHaveLength(grants.length), patience);
    expect(new Set(worker.refreshed).size).toBe(grants.length);
    expect(most).toBe(3);
  });

  test('refreshes of one organisation that hang hold a quarter of the places, and the others run', async () => {
    let hanging = 0;
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const worker = await queues.start({
      concurrency: 8,
      handlers: {
        refresh: async (grantId) => {
          if (!grantId.startsWith('slow')) return;
          hanging += 1;
          await held;
        },
      },
    });
    const grants = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}-${n}`);
    await worker.jobs.enqueue(grants('slow', 400), 0, { organizationId: 'slow', urgent: true });
    await worker.jobs.enqueue(grants('fine', 100), 0, { organizationId: 'fine' });
    await worker.jobs.enqueue(grants('shared', 100), 0);
    await vi.waitFor(() => expect(worker.refreshed).toHaveLength(202), patience).finally(release);
    expect(hanging).toBeGreaterThanOrEqual(2);
    await vi.waitFor(() => expect(new Set(worker.refreshed).size).toBe(600), patience);
  });

  test('refreshes ahead of expiry that hang leave places for others and for scheduled work, and all run once', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const worker = await queues.start({
      concurrency: 8,
      handlers: { refreshAhead: (grantId) => (grantId.startsWith('slow') ? held : Promise.resolve()) },
    });
    const ahead = (name: string, count: number) =>
      Array.from({ length: count }, (_, n) => ({
        grantId: `${name}-${n}`,
        organizationId: name,
        version: 1,
        delayMs: 0,
      }));
    await worker.jobs.enqueueAhead(ahead('slow', 8));
    await vi.waitFor(() => expect(worker.refreshedAhead).toHaveLength(2), patience).catch(release);
    await worker.jobs.enqueueAhead(ahead('fine', 8));
    await worker.jobs.enqueueSweep();
    await vi.waitFor(() => expect(worker.refreshedAhead).toHaveLength(10), patience).catch(release);
    await vi.waitFor(() => expect(worker.sweeps).toBeGreaterThan(0), patience).finally(release);
    await vi.waitFor(() => expect(worker.refreshedAhead).toHaveLength(16), patience);
    expect(new Set(worker.refreshedAhead).size).toBe(16);
    expect(worker.warnings).toEqual([]);
  });

  test('urgent refreshes run before the others, and each refresh gets the id of its sweep', async () => {
    const api = await queues.start({ worker: false });
    await api.jobs.enqueue(['one', 'two', 'three'], 0, { sweepId: 'the-sweep' });
    await api.jobs.enqueue(['soon-1', 'soon-2'], 0, { sweepId: 'the-sweep', urgent: true });
    await api.jobs.enqueue(['single'], 0);
    const sweepIds = new Map<string, string | null>();
    const worker = await queues.start({
      concurrency: 1,
      handlers: { refresh: async (grantId, sweepId) => void sweepIds.set(grantId, sweepId) },
    });
    await vi.waitFor(() => expect(worker.refreshed).toHaveLength(6), patience);
    expect(worker.refreshed.slice(0, 2)).toEqual(['soon-1', 'soon-2']);
    expect([sweepIds.get('one'), sweepIds.get('soon-2'), sweepIds.get('single')]).toEqual([
      'the-sweep',
      'the-sweep',
      null,
    ]);
  });

  test('the backlog of the queue counts grants that could be refreshed now, without delayed ones', async () => {
    const api = await queues.start({ worker: false });
    expect(await api.jobs.backlog()).toBe(0);
    await api.jobs.enqueue(['a', 'b', 'c'], 0);
    await api.jobs.enqueue(['d'], 0, { urgent: true });
    const backlog = await api.jobs.backlog();
    expect(backlog).toBeGreaterThanOrEqual(4);
    await api.jobs.enqueue(['e'], hourMs * 1000);
    await api.jobs.enqueueAhead([{ grantId: 'f', organizationId: null, version: 1, delayMs: 0 }]);
    expect(await api.jobs.backlog()).toBe(backlog);
    const worker = await queues.start();
    await vi.waitFor(() => expect(worker.refreshed).toHaveLength(4), patience);
    expect(await api.jobs.backlog()).toBe(0);
  });
});
