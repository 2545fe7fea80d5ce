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
const started = [quiet, quiet, quiet];
const longQuiet: number[] = Array(15).fill(quiet);

test('what the start left behind is collected once it is over', () => {
  expect(collections([busy, quiet, quiet, quiet, quiet])).toEqual([0, 0, 0, 1, 1]);
});

test('a light load after that calls for no other', () => {
  expect(collections([...started, light, ...longQuiet, light, ...longQuiet]).at(-1)).toBe(1);
});

test('a busy time does, once it has been quiet for longer, and once only', () => {
  const counts = collections([...started, busy, ...longQuiet, ...longQuiet]);
  expect(counts.slice(started.length, -longQuiet.length - 1)).not.toContain(2);
  expect(counts.slice(-longQuiet.length - 1)).toEqual(Array(longQuiet.length + 1).fill(2));
});

test('nothing is collected between two bursts', () => {
  const pause = longQuiet.slice(1);
  expect(collections([...started, busy, ...pause, busy, ...pause, light, ...pause]).at(-1)).toBe(1);
});
