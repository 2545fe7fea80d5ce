import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMigrationProgress } from '../../../src/app/migration/migrate-showing.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a migration that takes long is logged after a second, then every ten seconds, until the next one or the end', () => {
  const lines: unknown[] = [];
  const progress = createMigrationProgress({ info: (fields: unknown) => void lines.push(fields) });
  progress.onStart('first');
  vi.advanceTimersByTime(900);
  progress.onStart('second');
  vi.advanceTimersByTime(900);
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(20_100);
  expect(lines).toEqual([
    { migration: 'second', seconds: 1 },
    { migration: 'second', seconds: 11 },
    { migration: 'second', seconds: 21 },
  ]);
  progress.end();
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(3);
});
