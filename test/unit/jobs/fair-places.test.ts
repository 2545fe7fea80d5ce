import { expect, test } from 'vitest';
import { createFairPlaces } from '../../../src/jobs/fair-places.ts';

test('400 calls of one organisation that never end take a quarter of the places, and another organisation starts at once', async () => {
  const places = createFairPlaces(40);
  const { promise: end, resolve: endAll } = Promise.withResolvers<void>();
  let hanging = 0;
  const calls = Array.from({ length: 400 }, () =>
    places.run('hanging', () => {
      hanging += 1;
      return end;
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  expect(hanging).toBe(10);
  expect(places.isAtShare('hanging')).toBe(true);
  expect(places.isAtShare('other')).toBe(false);
  expect(await places.run('other', async () => 'started')).toBe('started');
  endAll();
  await Promise.all(calls);
  expect(hanging).toBe(400);
  expect(places.isAtShare('hanging')).toBe(false);
});

test('however few the places are, each organisation has one', async () => {
  const places = createFairPlaces(1);
  expect(await places.run('one', async () => 'started')).toBe('started');
  expect(await places.run(null, async () => 'started')).toBe('started');
});
