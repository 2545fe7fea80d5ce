import { describe, expect, test } from 'vitest';
import { BrokerError } from '../../../../src/domain/errors.ts';
import { createBatchedQuery } from '../../../../src/postgres/batch/batched-query.ts';

interface Run {
  items: readonly string[];
  waits: boolean;
}

/** A batched query that returns items in capitals. Locked items have no result unless the statement waits for locks. */
function createCapitals({ locked = [], faulty = [] }: { locked?: string[]; faulty?: string[] } = {}) {
  const runs: Run[] = [];
  const query = createBatchedQuery<string, string>(async (items, waits) => {
    runs.push({ items, waits });
    const fault = items.find((item) => faulty.includes(item));
    if (fault !== undefined) throw new Error(fault);
    return items.map((item) => (!waits && locked.includes(item) ? undefined : item.toUpperCase()));
  });
  return { query, runs };
}

describe('batched query', () => {
  test('calls of one turn of the event loop run as one statement, and each gets its own result', async () => {
    const { query, runs } = createCapitals();
    expect(await Promise.all(['a', 'b', 'c'].map(query))).toEqual(['A', 'B', 'C']);
    expect(runs).toEqual([{ items: ['a', 'b', 'c'], waits: false }]);
  });

  test('calls made while a statement runs go into the next one', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const runs: (readonly string[])[] = [];
    const query = createBatchedQuery<string, string>(async (items) => {
      runs.push(items);
      if (runs.length === 1) await held;
      return items;
    });
    const first = query('a');
    await new Promise((resolve) => setImmediate(resolve));
    const later = [query('b'), query('c')];
    release();
    expect(await Promise.all([first, ...later])).toEqual(['a', 'b', 'c']);
    expect(runs).toEqual([['a'], ['b', 'c']]);
    expect(await query('d')).toBe('d');
  });

  test('many calls run as several statements of bounded size', async () => {
    const { query, runs } = createCapitals();
    await Promise.all(Array.from({ length: 250 }, (_, n) => query(`item-${n}`)));
    expect(runs.map(({ items }) => items.length)).toEqual([100, 100, 50]);
  });

  test('a call whose row is locked waits in a statement of its own and delays no other call', async () => {
    const { promise: unlocked, resolve: unlock } = Promise.withResolvers<void>();
    const query = createBatchedQuery<string, string>(async (items, waits) => {
      if (waits) await unlocked;
      return items.map((item) => (waits || item !== 'locked' ? item : undefined));
    });
    const locked = query('locked');
    expect(await Promise.all([query('a'), query('b')])).toEqual(['a', 'b']);
    expect(await Promise.all([query('c'), query('d')])).toEqual(['c', 'd']);
    unlock();
    expect(await locked).toBe('locked');
  });

  test('a call that makes the statement fail gets its own error, and the other calls run again without it', async () => {
    const { query, runs } = createCapitals({ faulty: ['bad'] });
    const results = await Promise.allSettled(['a', 'bad', 'b'].map(query));
    expect(results).toMatchObject([{ value: 'A' }, { reason: { message: 'bad' } }, { value: 'B' }]);
    expect(runs.slice(1).map(({ items }) => items)).toEqual([['a'], ['bad'], ['b']]);
  });

  test('calls are not repeated if the database is unavailable, because the commit may have happened', async () => {
    let statements = 0;
    const query = createBatchedQuery<string, string>(async () => {
      statements += 1;
      throw BrokerError.with('service_unavailable', 'away', { retry_after: 1 });
    });
    const results = await Promise.allSettled(['a', 'b', 'c'].map(query));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(statements).toBe(1);
  });
});
