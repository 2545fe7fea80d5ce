import { describe, expect, test } from 'vitest';
import { createFairPlaces } from '../../../src/jobs/fair-places.ts';
import { BatchInterrupted, createRunBatch } from '../../../src/jobs/run-batch.ts';

const nothingRemains = async () => {
  throw new Error('no grant should remain');
};

describe('createRunBatch', () => {
  test('a batch refreshes each grant, and a failed refresh does not stop the others', async () => {
    const refreshed: string[] = [];
    const failed: string[] = [];
    const runBatch = createRunBatch({
      refresh: async (grantId, sweepId) => {
        if (grantId === 'bad') throw new Error('out of order');
        refreshed.push(`${grantId} ${sweepId}`);
      },
      places: createFairPlaces(2),
      ending: new AbortController().signal,
      onFailed: (grantId, error) => failed.push(`${grantId} ${String(error)}`),
    });
    await runBatch({ grantIds: ['a', 'bad', 'b'], sweepId: 's', organizationId: null }, nothingRemains);
    expect(refreshed).toEqual(['a s', 'b s']);
    expect(failed).toEqual(['bad Error: out of order']);
  });

  test('all batches of a process share one limit of concurrent refreshes', async () => {
    let running = 0;
    let most = 0;
    const runBatch = createRunBatch({
      refresh: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
      },
      places: createFairPlaces(3),
      ending: new AbortController().signal,
      onFailed: () => {},
    });
    const batches = [1, 2, 3].map((batch) => Array.from({ length: 10 }, (_, n) => `${batch}-${n}`));
    await Promise.all(
      batches.map((grantIds, n) => runBatch({ grantIds, sweepId: null, organizationId: `o${n}` }, nothingRemains)),
    );
    expect(most).toBe(3);
  });

  test('a batch that its process interrupts keeps exactly the grants that were not started', async () => {
    const ending = new AbortController();
    const refreshed: string[] = [];
    const runBatch = createRunBatch({
      refresh: async (grantId) => {
        refreshed.push(grantId);
        if (grantId === 'b') ending.abort();
      },
      places: createFairPlaces(1),
      ending: ending.signal,
      onFailed: () => {},
    });
    let kept: string[] = [];
    const run = runBatch({ grantIds: ['a', 'b', 'c', 'd'], sweepId: null, organizationId: null }, async (remaining) => {
      kept = remaining;
    });
    await expect(run).rejects.toThrow(BatchInterrupted);
    expect(refreshed).toEqual(['a', 'b']);
    expect(kept).toEqual(['c', 'd']);
  });
});
