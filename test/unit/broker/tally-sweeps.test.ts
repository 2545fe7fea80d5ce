import { expect, test } from 'vitest';
import { createTallySweeps } from '../../../src/broker/tally-sweeps.ts';
import type { SweepTally } from '../../../src/domain/ports/upkeep.ts';

function counting() {
  const written: [string, SweepTally][] = [];
  const state = { broken: false };
  const errors: unknown[] = [];
  const { promise: second, resolve: pass } = Promise.withResolvers<void>();
  const tally = createTallySweeps({
    sweeps: {
      count: async (id, counts) => {
        if (state.broken) throw new Error('away');
        written.push([id, { ...counts }]);
      },
    },
    sleep: () => second,
    onError: (error) => errors.push(error),
  });
  return { written, state, errors, tally, pass };
}

test('outcomes of many refreshes are written as one, for each sweep', async () => {
  const { written, tally, pass } = counting();
  for (let n = 0; n < 500; n++) tally.note('one', n % 5 === 0 ? 'failed' : 'refreshed');
  tally.note('other', 'skipped');
  expect(written).toEqual([]);
  pass();
  await new Promise((resolve) => setImmediate(resolve));
  expect(written).toEqual([
    ['one', { refreshed: 400, failed: 100, skipped: 0 }],
    ['other', { refreshed: 0, failed: 0, skipped: 1 }],
  ]);
});

test('what could not be written is written with the next, and nothing twice', async () => {
  const { written, state, errors, tally } = counting();
  state.broken = true;
  tally.note('one', 'refreshed');
  await tally.flush();
  expect(errors).toHaveLength(1);
  state.broken = false;
  tally.note('one', 'failed');
  await tally.flush();
  await tally.flush();
  expect(written).toEqual([['one', { refreshed: 1, failed: 1, skipped: 0 }]]);
});
