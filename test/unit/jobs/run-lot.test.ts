import { describe, expect, test } from 'vitest';
import { createRunLot, LotCutShort } from '../../../src/jobs/run-lot.ts';

const nothingLeft = async () => {
  throw new Error('nothing should be left');
};

describe('a lot of due grants', () => {
  test('is refreshed grant by grant, and one that fails stops no other', async () => {
    const refreshed: string[] = [];
    const failed: string[] = [];
    const runLot = createRunLot({
      refresh: async (grantId, sweepId) => {
        if (grantId === 'bad') throw new Error('out of order');
        refreshed.push(`${grantId} ${sweepId}`);
      },
      atOnce: 2,
      ending: new AbortController().signal,
      onFailed: (grantId, error) => failed.push(`${grantId} ${String(error)}`),
    });
    await runLot({ grantIds: ['a', 'bad', 'b'], sweepId: 's' }, nothingLeft);
    expect(refreshed).toEqual(['a s', 'b s']);
    expect(failed).toEqual(['bad Error: out of order']);
  });

  test('shares the process’s turns with every other lot', async () => {
    let running = 0;
    let most = 0;
    const runLot = createRunLot({
      refresh: async () => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
      },
      atOnce: 3,
      ending: new AbortController().signal,
      onFailed: () => {},
    });
    const lots = [1, 2, 3].map((lot) => Array.from({ length: 10 }, (_, n) => `${lot}-${n}`));
    await Promise.all(lots.map((grantIds) => runLot({ grantIds, sweepId: null }, nothingLeft)));
    expect(most).toBe(3);
  });

  test('that is cut short by the end of its process keeps what had no turn, and nothing else, for another', async () => {
    const ending = new AbortController();
    const refreshed: string[] = [];
    const runLot = createRunLot({
      refresh: async (grantId) => {
        refreshed.push(grantId);
        if (grantId === 'b') ending.abort();
      },
      atOnce: 1,
      ending: ending.signal,
      onFailed: () => {},
    });
    let kept: string[] = [];
    const run = runLot({ grantIds: ['a', 'b', 'c', 'd'], sweepId: null }, async (left) => {
      kept = left;
    });
    await expect(run).rejects.toThrow(LotCutShort);
    expect(refreshed).toEqual(['a', 'b']);
    expect(kept).toEqual(['c', 'd']);
  });
});
