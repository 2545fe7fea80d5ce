import { expect, test } from 'vitest';
import { createSweepStatistics } from '../../../../src/broker/maintenance/sweep-statistics.ts';
import type { SweepCounts } from '../../../../src/domain/ports/maintenance/sweeps.ts';

function counting() {
  const written: [string, SweepCounts][] = [];
  const state = { broken: false };
  const errors: unknown[] = [];
  const { promise: second, resolve: pass } = Promise.withResolvers<void>();
  const statistics = createSweepStatistics({
    sweeps: {
      count: async (id, counts) => {
        if (state.broken) throw new Error('away');
        written.push([id, { ...counts }]);
      },
    },
    sleep: () => second,
    onError: (error) => errors.push(error),
  });
  return { written, state, errors, statistics: statistics, pass };
}

test('outcomes of many refreshes are written once per sweep', async () => {
  const { written, statistics, pass } = counting();
  for (let n = 0; n < 500; n++) statistics.note('one', n % 5 === 0 ? 'failed' : 'refreshed');
  statistics.note('other', 'skipped');
  expect(written).toEqual([]);
  pass();
  await new Promise((resolve) => setImmediate(resolve));
  expect(written).toEqual([
    ['one', { refreshed: 400, failed: 100, skipped: 0 }],
    ['other', { refreshed: 0, failed: 0, skipped: 1 }],
  ]);
});

test('outcomes that could not be written are written with the next ones, and only once', async () => {
  const { written, state, errors, statistics } = counting();
  state.broken = true;
  statistics.note('one', 'refreshed');
  await statistics.flush();
  expect(errors).toHaveLength(1);
  state.broken = false;
  statistics.note('one', 'failed');
  await statistics.flush();
  await statistics.flush();
  expect(written).toEqual([['one', { refreshed: 1, failed: 1, skipped: 0 }]]);
});
