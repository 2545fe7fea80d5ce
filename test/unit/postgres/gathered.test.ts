import { describe, expect, test } from 'vitest';
import { BrokerError } from '../../../src/domain/errors.ts';
import { createGathered } from '../../../src/postgres/gathered.ts';

interface Run {
  items: readonly string[];
  waits: boolean;
}

/** Answers each item with itself in capitals, but for those that are locked while nobody may wait. */
function gathering({ locked = [], faulty = [] }: { locked?: string[]; faulty?: string[] } = {}) {
  const runs: Run[] = [];
  const ask = createGathered<string, string>(async (items, waits) => {
    runs.push({ items, waits });
    const fault = items.find((item) => faulty.includes(item));
    if (fault !== undefined) throw new Error(fault);
    return items.map((item) => (!waits && locked.includes(item) ? undefined : item.toUpperCase()));
  });
  return { ask, runs };
}

describe('calls that go together', () => {
  test('those of one turn are one statement, and each gets its own answer', async () => {
    const { ask, runs } = gathering();
    expect(await Promise.all(['a', 'b', 'c'].map(ask))).toEqual(['A', 'B', 'C']);
    expect(runs).toEqual([{ items: ['a', 'b', 'c'], waits: false }]);
  });

  test('those that come while a statement is under way go with the next', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    const runs: (readonly string[])[] = [];
    const ask = createGathered<string, string>(async (items) => {
      runs.push(items);
      if (runs.length === 1) await held;
      return items;
    });
    const first = ask('a');
    await new Promise((resolve) => setImmediate(resolve));
    const later = [ask('b'), ask('c')];
    release();
    expect(await Promise.all([first, ...later])).toEqual(['a', 'b', 'c']);
    expect(runs).toEqual([['a'], ['b', 'c']]);
    expect(await ask('d')).toBe('d');
  });

  test('very many are several statements of bounded size', async () => {
    const { ask, runs } = gathering();
    await Promise.all(Array.from({ length: 250 }, (_, n) => ask(`item-${n}`)));
    expect(runs.map(({ items }) => items.length)).toEqual([100, 100, 50]);
  });

  test('what would have had to wait for a lock waits alone, and holds up none of the others', async () => {
    const { promise: unlocked, resolve: unlock } = Promise.withResolvers<void>();
    const ask = createGathered<string, string>(async (items, waits) => {
      if (waits) await unlocked;
      return items.map((item) => (waits || item !== 'locked' ? item : undefined));
    });
    const locked = ask('locked');
    expect(await Promise.all([ask('a'), ask('b')])).toEqual(['a', 'b']);
    expect(await Promise.all([ask('c'), ask('d')])).toEqual(['c', 'd']);
    unlock();
    expect(await locked).toBe('locked');
  });

  test('an error of one is its own: the others are asked again without it', async () => {
    const { ask, runs } = gathering({ faulty: ['bad'] });
    const answers = await Promise.allSettled(['a', 'bad', 'b'].map(ask));
    expect(answers).toMatchObject([{ value: 'A' }, { reason: { message: 'bad' } }, { value: 'B' }]);
    expect(runs.slice(1).map(({ items }) => items)).toEqual([['a'], ['bad'], ['b']]);
  });

  test('a server that is away is not asked again for each of them: what was cut off may have happened', async () => {
    let asked = 0;
    const ask = createGathered<string, string>(async () => {
      asked += 1;
      throw BrokerError.with('service_unavailable', 'away', { retry_after: 1 });
    });
    const answers = await Promise.allSettled(['a', 'b', 'c'].map(ask));
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(asked).toBe(1);
  });
});
