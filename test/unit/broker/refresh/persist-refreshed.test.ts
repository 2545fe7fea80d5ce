import { describe, expect, test, vi } from 'vitest';
import { createPersistRefreshed } from '../../../../src/broker/refresh/persist-refreshed.ts';
import { BrokerError } from '../../../../src/domain/errors.ts';
import type { Spool, SpooledTokens } from '../../../../src/domain/ports/spool.ts';
import { aSpoolEntry } from '../../../support/builders/refreshed.ts';
import { createMemorySpool } from '../../../support/memory/spool.ts';

function anEntry(id: string, version = 1): SpooledTokens {
  const entry = aSpoolEntry();
  return { ...entry, base: { ...entry.base, id, version } };
}

const away = () => BrokerError.with('service_unavailable', 'away', { retry_after: 2 });

/** Records the steps in order. `database` lists the results of the next writes; the last one repeats. */
function createScene(...database: (true | false | Error)[]) {
  const happened: string[] = [];
  const errors: unknown[] = [];
  const memory = createMemorySpool();
  let diskFails = 0;
  let isReadable = true;
  let now = 0;
  const leasesKept: number[] = [];
  const spool: Spool = {
    ...memory,
    put: async (entry) => {
      if (diskFails-- > 0) throw new Error('no space left');
      happened.push(`put ${entry.base.id}`);
      await memory.put(entry);
    },
    remove: async (entry) => {
      happened.push(`remove ${entry.base.id}`);
      await memory.remove(entry);
    },
  };
  const persisting = createPersistRefreshed({
    store: {
      save: async ({ id }) => {
        const result = database.length > 1 ? database.shift() : database[0];
        happened.push(`save ${id}: ${result instanceof Error ? 'fails' : result}`);
        if (result instanceof Error) throw result;
        return result === true;
      },
      keepLease: async () => void leasesKept.push(now),
      find: async () => {
        if (!isReadable) throw away();
        return undefined;
      },
    },
    rebase: async () => undefined,
    spool,
    sleep: async (ms) => {
      now += ms;
      if (now > 60_000) throw new Error('the process ends');
    },
    clock: () => new Date(now),
    leaseMs: 45_000,
    onError: (error) => errors.push(error),
  });
  return {
    ...persisting,
    settled: (id: string) => vi.waitFor(() => expect(persisting.unsaved(id)).toBeUndefined()),
    spool,
    happened,
    errors,
    idsOnDisk: async () => (await memory.list()).map(({ base }) => base.id),
    leasesKept,
    breakDisk: (times = Number.POSITIVE_INFINITY) => {
      diskFails = times;
    },
    makeUnreadable: () => {
      isReadable = false;
    },
  };
}

describe('persist', () => {
  test('a token set goes to the database only, while that is available', async () => {
    const scene = createScene(true);
    expect(await scene.persist(anEntry('a'))).toBe('stored');
    expect(scene.happened).toEqual(['save a: true']);
  });

  test('a token set is not written over a row with another version', async () => {
    const scene = createScene(false);
    expect(await scene.persist(anEntry('a'))).toBe('moved');
    expect(scene.happened).toEqual(['save a: false']);
  });

  test('a token set is durable once it is on the disk, and is moved to the database later', async () => {
    const scene = createScene(away(), away(), away(), true);
    expect(await scene.persist(anEntry('a'))).toBe('spooled');
    await scene.settled('a');
    expect(scene.happened).toEqual([
      'save a: fails',
      'put a',
      'save a: fails',
      'save a: fails',
      'save a: true',
      'remove a',
    ]);
    expect(scene.errors).toEqual([]);
  });

  test('a commit that was cut off but succeeded counts as written', async () => {
    const scene = createScene(away(), false);
    expect(await scene.persist(anEntry('a'))).toBe('spooled');
    await scene.settled('a');
    expect(await scene.idsOnDisk()).toEqual([]);
  });

  test('a token set is withheld until the database has it, if the disk fails too', async () => {
    const scene = createScene(away(), away(), true);
    scene.breakDisk();
    expect(await scene.persist(anEntry('a'))).toBe('stored');
    expect(scene.happened).toEqual(['save a: fails', 'save a: fails', 'save a: true']);
    expect(scene.errors).toMatchObject([{ message: 'no space left' }]);
  });

  test('a token set goes to the disk as soon as that has space again', async () => {
    const scene = createScene(away());
    scene.breakDisk(2);
    expect(await scene.persist(anEntry('a'))).toBe('spooled');
    expect(await scene.idsOnDisk()).toEqual(['a']);
    expect(scene.errors).toHaveLength(1);
  });

  test.each([
    new Error('a constraint'),
    new TypeError('undefined is not a function'),
    Object.assign(new Error('no such code'), { code: 'ZZ999' }),
  ])('a token set that the database refuses with "%s" goes to the disk and is tried again', async (refusal) => {
    const scene = createScene(refusal, refusal, true);
    expect(await scene.persist(anEntry('a'))).toBe('spooled');
    expect(scene.unsaved('a')).toMatchObject({ base: { id: 'a' } });
    await scene.settled('a');
    expect(scene.unsaved('a')).toBeUndefined();
    expect(scene.happened).toEqual(['save a: fails', 'put a', 'save a: fails', 'save a: true', 'remove a']);
    expect(scene.errors).toEqual([refusal]);
  });

  test('the lease is extended at once and then every third of its duration while the token set cannot be saved', async () => {
    const scene = createScene(away());
    await scene.persist(anEntry('a'));
    await scene.settled('a');
    expect(scene.leasesKept).toHaveLength(4);
    expect(scene.leasesKept[0]).toBe(0);
    for (const [n, at] of scene.leasesKept.entries()) expect(at).toBeLessThan(n * 17_000 + 1);
  });

  test('a token set stays on the disk if the process ends before it is moved', async () => {
    const scene = createScene(away());
    expect(await scene.persist(anEntry('a'))).toBe('spooled');
    await scene.settled('a');
    expect(await scene.idsOnDisk()).toEqual(['a']);
  });
});

test('a grant has an unsaved token set while it is on the disk, whatever other grants have there', async () => {
  const scene = createScene(away(), away(), true);
  await scene.persist(anEntry('a'));
  expect(scene.unsaved('a')).toBeDefined();
  expect(scene.unsaved('b')).toBeUndefined();
  await scene.settled('a');
  expect(await scene.idsOnDisk()).toEqual([]);
});

describe('replay', () => {
  test('replay writes entries whose version fits, drops the others, and empties the disk', async () => {
    const scene = createScene(true, false);
    await scene.spool.put(anEntry('fits'));
    await scene.spool.put(anEntry('outdated'));
    expect(await scene.replay(scene.spool)).toEqual({ written: 1, outdated: 1, unsaved: [] });
    expect(await scene.idsOnDisk()).toEqual([]);
  });

  test('replay stops while the database is unavailable, and keeps the entries it did not write', async () => {
    const scene = createScene(true, away());
    scene.makeUnreadable();
    for (const id of ['a', 'b', 'c']) await scene.spool.put(anEntry(id));
    await expect(scene.replay(scene.spool)).rejects.toMatchObject({ code: 'service_unavailable' });
    expect(await scene.idsOnDisk()).toEqual(['b', 'c']);
  });

  test.each([away(), new Error('a constraint')])(
    'replay continues after an entry that a readable database refuses with "%s", and tries it again later',
    async (refusal) => {
      const scene = createScene(refusal, true, refusal, true);
      for (const id of ['a', 'b']) await scene.spool.put(anEntry(id));
      expect(await scene.replay(scene.spool)).toEqual({ written: 1, outdated: 0, unsaved: ['a'] });
      expect(await scene.idsOnDisk()).toContain('a');
      expect(scene.unsaved('a')).toMatchObject({ base: { id: 'a' } });
      await scene.settled('a');
      expect(await scene.idsOnDisk()).toEqual([]);
    },
  );

  test('a second replay leaves alone what the first one is moving', async () => {
    const scene = createScene(away());
    await scene.spool.put(anEntry('a'));
    const [first, second] = await Promise.all([scene.replay(scene.spool), scene.replay(scene.spool)]);
    expect([first.unsaved, second.unsaved]).toEqual([['a'], ['a']]);
    await scene.settled('a');
    expect(await scene.idsOnDisk()).toEqual(['a']);
  });
});
