import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { RefreshQueue } from '../../src/domain/ports/maintenance/queue.ts';

export interface OpenedQueue {
  /** One queue, as two processes see it. */
  queue: RefreshQueue;
  other: RefreshQueue;
  /** Runs what is due from now on; calls `refresh` for each grant of a sweep. */
  work(refresh: () => Promise<void>): Promise<void>;
  /** Ids of the grants that were refreshed, in any order. */
  refreshed(): string[];
  /** Grant and version of the refreshes ahead that ran, in any order. */
  refreshedAhead(): string[];
  end(): Promise<void>;
}

const patience = { timeout: 20_000, interval: 20 };
const farMs = 1_000_000_000;

export function describeRefreshQueue(open: () => Promise<OpenedQueue>): void {
  describe('RefreshQueue', () => {
    let opened: OpenedQueue;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.end());

    test('a grant is queued until its refresh ends, whichever process added it', async () => {
      const { queue, other, work, refreshed } = opened;
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      await queue.enqueue(['a', 'b', 'b'], 0, { organizationId: 'acme' });
      await other.enqueue(['c'], 0, { urgent: true, sweepId: 'sweep', organizationId: 'other' });
      await other.enqueue(['later'], farMs);
      expect(await queue.queued()).toEqual(new Set(['a', 'b', 'c', 'later']));
      await work(() => held);
      // One organisation may not hold every place, so b may still wait for a.
      await vi.waitFor(() => expect(refreshed()).toEqual(expect.arrayContaining(['a', 'c'])), patience);
      expect(await queue.queued()).toEqual(new Set(['a', 'b', 'c', 'later']));
      release();
      await vi.waitFor(async () => expect(await other.queued()).toEqual(new Set(['later'])), patience);
    });

    test('the backlog bounds the grants that wait for a worker, and leaves out those that wait for their time', async () => {
      const { queue, other } = opened;
      expect(await queue.backlog()).toBe(0);
      await other.enqueue(['later'], farMs);
      expect(await queue.backlog()).toBe(0);
      await other.enqueue(['a', 'b', 'c'], 0);
      expect(await queue.backlog()).toBeGreaterThanOrEqual(3);
    });

    test('batches are counted by organisation until they end, in whatever state they are', async () => {
      const { queue, other, work } = opened;
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      await queue.enqueue(['a', 'b'], 0, { organizationId: 'acme' });
      await other.enqueue(['c'], farMs, { organizationId: 'acme' });
      await other.enqueue(['d'], 0, { organizationId: 'other', urgent: true });
      await other.enqueue(['e'], 0);
      const counts = { acme: 2, other: 1, null: 1 };
      const counted = async () => Object.fromEntries(await queue.batches());
      expect(await counted()).toEqual(counts);
      await work(() => held);
      expect(await counted()).toEqual(counts);
      release();
      await vi.waitFor(async () => expect(await counted()).toEqual({ acme: 1 }), patience);
    });

    test('a refresh ahead runs once for each grant and version, and is not queued as one of a sweep', async () => {
      const { queue, other, work, refreshed, refreshedAhead } = opened;
      const ahead = (grantId: string, version: number) => ({ grantId, organizationId: 'acme', version, delayMs: 50 });
      await Promise.all([
        queue.enqueueAhead([ahead('a', 1), ahead('a', 1), ahead('b', 1)]),
        other.enqueueAhead([ahead('b', 1), ahead('a', 1), ahead('a', 2)]),
        other.enqueue(['a'], 0),
      ]);
      expect(await queue.queued()).toEqual(new Set(['a']));
      await work(async () => {});
      await vi.waitFor(() => expect([...refreshedAhead(), ...refreshed()]).toHaveLength(4), patience);
      await queue.enqueueAhead([ahead('last', 1)]);
      await vi.waitFor(() => expect(refreshedAhead()).toContain('last 1'), patience);
      expect(refreshedAhead().toSorted()).toEqual(['a 1', 'a 2', 'b 1', 'last 1']);
      expect(refreshed()).toEqual(['a']);
    });
  });
}
