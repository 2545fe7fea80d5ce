import { describe, expect, test } from 'vitest';
import type { CredentialMatch, CredentialQuery } from '../../../../src/domain/grants/credential.ts';
import { createCachedCredentials } from '../../../../src/postgres/cache/credential-cache.ts';
import type { Channel, Notifications } from '../../../../src/postgres/notify/channels.ts';
import { createSubscribers } from '../../../../src/postgres/notify/subscribers.ts';
import { match } from '../../../support/builders/credential-match.ts';

const query: CredentialQuery = { organizationId: 'acme', connectionName: 'mail', subject: null, accountId: null };
/** Builds the cache over one row and a listener. Each read waits for the gate. */
function createWorld(max = 1000) {
  const subscribers = createSubscribers((error) => {
    throw error;
  });
  const world = { isUp: true, row: match as CredentialMatch | undefined, reads: 0, gate: Promise.resolve() };
  const watchers: ((up: boolean) => void)[] = [];
  const cached = createCachedCredentials({
    max,
    lookup: {
      find: async () => {
        world.reads += 1;
        const { row } = world;
        await world.gate;
        return row;
      },
    },
    listener: {
      subscribe: (channel, handler) => void subscribers.add(channel, handler),
      onChange: (handler) => watchers.push(handler),
      isUp: () => world.isUp,
    },
  });
  return {
    world,
    cached,
    notify: <C extends Channel>(channel: C, payload: Notifications[C]) => subscribers.notifyLocally(channel, payload),
    turn: (up: boolean) => {
      world.isUp = up;
      for (const watcher of watchers) watcher(up);
    },
  };
}

const ofGrant = (organization_id: string | null, connection_id = 'c1', subject: string | null = null) =>
  ['grant_changed', { grant_id: 'any', connection_id, organization_id, subject }] as const;
const ofConnection = (organization_id: string | null, connection_name = 'mail') =>
  ['connection_changed', { connection_id: 'any', organization_id, connection_name }] as const;
type Change = ReturnType<typeof ofGrant> | ReturnType<typeof ofConnection>;

const mayChangeIt: [string, Change][] = [
  ['a grant of the organisation’s own', ofGrant('acme')],
  ['the shared grant', ofGrant(null)],
  ['a connection of the organisation’s own', ofConnection('acme')],
  ['the global connection', ofConnection(null)],
];
const cannotChangeIt: [string, Change][] = [
  ['a grant of another organisation', ofGrant('other')],
  ['a grant of another subject', ofGrant('acme', 'c1', 'ann')],
  ['a grant of another connection', ofGrant('acme', 'c2')],
  ['a connection of another organisation', ofConnection('other')],
  ['a connection of another name', ofConnection(null, 'files')],
];

describe('a change that may change a match', () => {
  test.each(mayChangeIt)('drops the match: %s', async (_, [channel, payload]) => {
    const { world, cached, notify } = createWorld();
    await cached.find(query);
    await cached.find(query);
    expect(world.reads).toBe(1);
    notify(channel as 'grant_changed', payload as Notifications['grant_changed']);
    await cached.find(query);
    expect(world.reads).toBe(2);
  });

  test.each(mayChangeIt)('keeps a row that is being read out of the cache: %s', async (_, [channel, payload]) => {
    const { world, cached, notify } = createWorld();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.gate = promise;
    const reading = cached.find(query);
    notify(channel as 'grant_changed', payload as Notifications['grant_changed']);
    resolve();
    await reading;
    await cached.find(query);
    expect(world.reads).toBe(2);
  });
});

test.each(cannotChangeIt)(
  'a match stays cached after a change of %s, also during its read',
  async (_, [channel, payload]) => {
    const { world, cached, notify } = createWorld();
    const reading = cached.find(query);
    notify(channel as 'grant_changed', payload as Notifications['grant_changed']);
    await reading;
    notify(channel as 'grant_changed', payload as Notifications['grant_changed']);
    await cached.find(query);
    expect(world.reads).toBe(1);
  },
);

test('a row read during more changes than are remembered is not cached', async () => {
  const { world, cached, notify } = createWorld();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.gate = promise;
  const reading = cached.find(query);
  notify(...ofGrant(null));
  for (let i = 0; i < 5_000; i += 1) notify(...ofGrant('other'));
  resolve();
  await reading;
  await cached.find(query);
  expect(world.reads).toBe(2);
});

describe('a listener that is down', () => {
  test('makes every fetch read, and leaves no earlier match when it is up again', async () => {
    const { world, cached, turn } = createWorld();
    await cached.find(query);
    turn(false);
    await cached.find(query);
    await cached.find(query);
    expect(world.reads).toBe(3);
    turn(true);
    await cached.find(query);
    expect(world.reads).toBe(4);
  });

  test('that goes down and up during a read keeps that row out of the cache', async () => {
    const { world, cached, turn } = createWorld();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.gate = promise;
    const reading = cached.find(query);
    turn(false);
    turn(true);
    resolve();
    await reading;
    await cached.find(query);
    expect(world.reads).toBe(2);
  });
});

test.each([
  ['a connection', undefined],
  ['a grant', { ...match, grants: [] }],
])('%s that does not exist is read each time', async (_, row) => {
  const { world, cached } = createWorld();
  world.row = row;
  await cached.find(query);
  await cached.find(query);
  expect(world.reads).toBe(2);
});

test('a cached match equals the row, and keeps no block of memory beyond its own bytes', async () => {
  const { cached } = createWorld();
  await cached.find(query);
  const found = await cached.find(query);
  expect(found).toEqual({ ...match, fromCache: true });
  const sealed = found?.grants[0]?.sealedTokens;
  expect(sealed?.buffer.byteLength).toBe(sealed?.byteLength);
});

test('at most `max` matches are cached: the least recently used one is read again', async () => {
  const { world, cached } = createWorld(10);
  const find = (n: number) => cached.find({ ...query, subject: `person-${n}` });
  for (let n = 0; n < 10; n += 1) await find(n);
  await find(0);
  await find(10);
  expect(world.reads).toBe(11);
  for (const n of [0, 2, 9, 10]) await find(n);
  expect(world.reads).toBe(11);
  await find(1);
  expect(world.reads).toBe(12);
});

test('queries with similar parts have separate entries', async () => {
  const { world, cached } = createWorld();
  const alike: Partial<CredentialQuery>[] = [
    { organizationId: null },
    { organizationId: 'null' },
    { subject: 'a', accountId: null },
    { subject: null, accountId: 'a' },
    { subject: 'a","b', accountId: null },
    { subject: 'a', accountId: 'b' },
    { organizationId: '', connectionName: 'acmemail' },
  ];
  for (const each of alike) await cached.find({ ...query, ...each });
  expect(world.reads).toBe(alike.length);
});

test('queries whose parts look like separators have separate entries', async () => {
  const { world, cached } = createWorld();
  const parts = [null, '', '-', '0:', '1:', '1:-', '-0:', ':', '::'];
  for (const organizationId of parts) {
    for (const subject of parts)
      for (const accountId of parts) await cached.find({ ...query, organizationId, subject, accountId });
  }
  expect(world.reads).toBe(parts.length ** 3);
});

test('a fetch says whether it was answered from memory, and each one is counted', async () => {
  const { cached, turn } = createWorld();
  expect((await cached.find(query))?.fromCache).toBeUndefined();
  expect((await cached.find(query))?.fromCache).toBe(true);
  expect(cached.readings()).toEqual({ hits: 1, misses: 1, entries: 1 });
  turn(false);
  expect((await cached.find(query))?.fromCache).toBeUndefined();
  expect(cached.readings()).toEqual({ hits: 1, misses: 2, entries: 0 });
});
