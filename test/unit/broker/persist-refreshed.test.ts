import { describe, expect, test } from 'vitest';
import { createPersistRefreshed } from '../../../src/broker/persist-refreshed.ts';
import { BrokerError } from '../../../src/domain/errors.ts';
import type { Spool, SpooledTokens } from '../../../src/domain/ports/spool.ts';

const now = new Date('2030-01-01T00:00:00.000Z');

function anEntry(id: string, version = 1): SpooledTokens {
  return {
    owner: 'instance/nonce',
    base: { id, connectionId: 'connection', organizationId: 'acme', version },
    tokens: {
      sealed: new Uint8Array([version]),
      facts: {
        expiresAt: now,
        refreshExpiresAt: null,
        obtainedAt: now,
        lifetimeSeconds: 60,
        refreshable: true,
        scopes: [],
      },
    },
    event: {
      time: now,
      actor: 'broker',
      action: 'grant.refreshed',
      organizationId: 'acme',
      connectionId: 'connection',
      connectionName: 'name',
      grantId: id,
      outcome: 'success',
      details: {},
      requestId: null,
      address: null,
    },
  };
}

const away = () => BrokerError.with('service_unavailable', 'away', { retry_after: 2 });

/** What happened, in order; `database` says how the next writes end, the last one for ever. */
function createScene(...database: (true | false | Error)[]) {
  const happened: string[] = [];
  const errors: unknown[] = [];
  const disk = new Map<string, SpooledTokens>();
  let diskFails = false;
  const spool: Spool = {
    put: async (entry) => {
      if (diskFails) throw new Error('no space left');
      happened.push(`put ${entry.base.id}`);
      disk.set(entry.base.id, entry);
    },
    list: async () => [...disk.values()],
    remove: async ({ base }) => {
      happened.push(`remove ${base.id}`);
      disk.delete(base.id);
    },
  };
  const persisting = createPersistRefreshed({
    store: {
      save: async ({ id }) => {
        const answer = database.length > 1 ? database.shift() : database[0];
        happened.push(`save ${id}: ${answer instanceof Error ? 'fails' : answer}`);
        if (answer instanceof Error) throw answer;
        return answer === true;
      },
    },
    spool,
    sleep: async () => undefined,
    onError: (error) => errors.push(error),
  });
  return {
    ...persisting,
    spool,
    happened,
    errors,
    disk,
    breakDisk: () => {
      diskFails = true;
    },
  };
}

describe('persist', () => {
  test('writes to the database alone while that answers', async () => {
    const scene = createScene(true);
    expect(await scene.persist(anEntry('a'))).toBe('stored');
    expect(scene.happened).toEqual(['save a: true']);
  });

  test('writes nothing over a row that moved', async () => {
    const scene = createScene(false);
    expect(await scene.persist(anEntry('a'))).toBe('moved');
    expect(scene.happened).toEqual(['save a: false']);
  });

  test('is done once the tokens are on the disk, and carries them over for as long as it takes', async () => {
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

  test('takes a write whose commit was cut off, and had happened, for done', async () => {
    const scene = createScene(away(), false);
    expect(await scene.persist(anEntry('a'))).toBe('spooled');
    await scene.settled('a');
    expect(scene.disk.size).toBe(0);
  });

  test('where the disk fails too, shows nobody the tokens until the database has them', async () => {
    const scene = createScene(away(), away(), true);
    scene.breakDisk();
    expect(await scene.persist(anEntry('a'))).toBe('stored');
    expect(scene.happened).toEqual(['save a: fails', 'save a: fails', 'save a: true']);
    expect(scene.errors).toMatchObject([{ message: 'no space left' }]);
  });

  test('does not hide a refusal of the database that waiting cannot cure', async () => {
    const scene = createScene(new Error('a constraint'));
    await expect(scene.persist(anEntry('a'))).rejects.toThrow('a constraint');
    expect(scene.happened).not.toContain('put a');
  });

  test('leaves on the disk what the process can no longer carry over', async () => {
    const scene = createScene(away(), new Error('the process ends'));
    expect(await scene.persist(anEntry('a'))).toBe('spooled');
    await scene.settled('a');
    expect([...scene.disk.keys()]).toEqual(['a']);
  });
});

test('a grant is settled while nothing of it waits on the disk, whatever waits of others', async () => {
  const scene = createScene(away(), away(), true);
  let settled = false;
  await scene.persist(anEntry('a'));
  const waiting = scene.settled('a').then(() => {
    settled = true;
  });
  await scene.settled('b');
  expect(settled).toBe(false);
  await waiting;
  expect(scene.disk.size).toBe(0);
});

describe('replay', () => {
  test('writes what still fits, drops what does not, and empties the disk', async () => {
    const scene = createScene(true, false);
    await scene.spool.put(anEntry('fits'));
    await scene.spool.put(anEntry('outdated'));
    expect(await scene.replay(scene.spool)).toEqual({ written: 1, outdated: 1 });
    expect(scene.disk.size).toBe(0);
  });

  test('stops where the database is away, and removes nothing it did not write', async () => {
    const scene = createScene(true, away());
    for (const id of ['a', 'b', 'c']) await scene.spool.put(anEntry(id));
    await expect(scene.replay(scene.spool)).rejects.toMatchObject({ code: 'service_unavailable' });
    expect([...scene.disk.keys()]).toEqual(['b', 'c']);
  });

  test('keeps what the database refuses, says so, and goes on with the next', async () => {
    const scene = createScene(new Error('a constraint'), true);
    for (const id of ['a', 'b']) await scene.spool.put(anEntry(id));
    expect(await scene.replay(scene.spool)).toEqual({ written: 1, outdated: 0 });
    expect([...scene.disk.keys()]).toEqual(['a']);
    expect(scene.errors).toMatchObject([{ message: 'a constraint' }]);
  });
});
