import { expect, test } from 'vitest';
import { createLook } from '../../../src/app/collect-when-quiet.ts';

/** How often it had collected after each look. */
function collections(utilizations: readonly number[]): number[] {
  let next = 0;
  let collected = 0;
  const look = createLook({
    utilization: () => utilizations[next++] ?? 0,
    collect: () => {
      collected += 1;
    },
  });
  return utilizations.map(() => {
    look();
    return collected;
  });
}

const busy = 0.9;
const quiet = 0.01;
const light = 0.1;

test('what a busy time left behind is collected once it has been quiet for a while, and once only', () => {
  expect(collections([busy, busy, quiet, quiet, quiet, quiet, quiet])).toEqual([0, 0, 0, 0, 1, 1, 1]);
});

test('the start counts as a busy time', () => {
  expect(collections([quiet, quiet, quiet, quiet])).toEqual([0, 0, 1, 1]);
});

test('nothing is collected between two bursts', () => {
  expect(collections([busy, quiet, quiet, busy, quiet, light, quiet, quiet, light])).not.toContain(1);
});

test('a light load after a collection calls for no other', () => {
  expect(collections([quiet, quiet, quiet, light, quiet, quiet, quiet, light, quiet, quiet, quiet]).at(-1)).toBe(1);
});

test('the next busy time does', () => {
  expect(collections([quiet, quiet, quiet, busy, quiet, quiet, quiet]).at(-1)).toBe(2);
});
