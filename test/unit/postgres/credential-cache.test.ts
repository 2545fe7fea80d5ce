import { describe, expect, test } from 'vitest';
import type { CredentialMatch, CredentialQuery } from '../../../src/domain/credential.ts';
import type { Channel, Notifications } from '../../../src/postgres/channels.ts';
import { createCachedCredentials } from '../../../src/postgres/credential-cache.ts';
import { createSubscribers } from '../../../src/postgres/subscribers.ts';
import { match } from '../../support/credential-match.ts';

const query: CredentialQuery = { organizationId: 'acme', connectionName: 'mail', subject: null, accountId: null };
/** A row, a listener and the cache between them. Each read takes as long as the test lets it. */
function createWorld() {
  const subscribers = createSubscribers((error) => {
    throw error;
  });
  const world = { isUp: true, row: match as CredentialMatch | undefined, reads: 0, gate: Promise.resolve() };
  const watchers: ((up: boolean) => void)[] = [];
  const cached = createCachedCredentials({
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
    tell: <C extends Channel>(channel: C, payload: Notifications[C]) => subscribers.deliver(channel, payload),
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
type Told = ReturnType<typeof ofGrant> | ReturnType<typeof ofConnection>;

const mayChangeIt: [string, Told][] = [
  ['a grant of the organisation’s own', ofGrant('acme')],
  ['the shared grant', ofGrant(null)],
  ['a connection of the organisation’s own', ofConnection('acme')],
  ['the global connection', ofConnection(null)],
];
const cannotChangeIt: [string, Told][] = [
  ['a grant of another organisation', ofGrant('other')],
  ['a grant of another subject', ofGrant('acme', 'c1', 'ann')],
  ['a grant of another connection', ofGrant('acme', 'c2')],
  ['a connection of another organisation', ofConnection('other')],
  ['a connection of another name', ofConnection(null, 'files')],
];

describe('what may change an answer', () => {
  test.each(mayChangeIt)('is forgotten for: %s', async (_, [channel, payload]) => {
    const { world, cached, tell } = createWorld();
    await cached.find(query);
    await cached.find(query);
    expect(world.reads).toBe(1);
    tell(channel as 'grant_changed', payload as Notifications['grant_changed']);
    await cached.find(query);
    expect(world.reads).toBe(2);
  });

  test.each(mayChangeIt)('keeps a row out that was being read meanwhile: %s', async (_, [channel, payload]) => {
    const { world, cached, tell } = createWorld();
    const { promise, resolve } = Promise.withResolvers<void>();
    world.gate = promise;
    const reading = cached.find(query);
    tell(channel as 'grant_changed', payload as Notifications['grant_changed']);
    resolve();
    await reading;
    await cached.find(query);
    expect(world.reads).toBe(2);
  });
});

test.each(cannotChangeIt)('an answer outlives %s, also while its row is read', async (_, [channel, payload]) => {
  const { world, cached, tell } = createWorld();
  const reading = cached.find(query);
  tell(channel as 'grant_changed', payload as Notifications['grant_changed']);
  await reading;
  tell(channel as 'grant_changed', payload as Notifications['grant_changed']);
  await cached.find(query);
  expect(world.reads).toBe(1);
});

test('a row read through more changes than are remembered is kept out', async () => {
  const { world, cached, tell } = createWorld();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.gate = promise;
  const reading = cached.find(query);
  tell(...ofGrant(null));
  for (let i = 0; i < 5_000; i += 1) tell(...ofGrant('other'));
  resolve();
  await reading;
  await cached.find(query);
  expect(world.reads).toBe(2);
});

describe('a listener that is down', () => {
  test('means that every fetch reads, and that nothing from before is left when it is back', async () => {
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

  test('and back again while a row was read keeps that row out', async () => {
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
])('%s that is not there is looked for each time', async (_, row) => {
  const { world, cached } = createWorld();
  world.row = row;
  await cached.find(query);
  await cached.find(query);
  expect(world.reads).toBe(2);
});

test('what comes out of memory is what went in', async () => {
  const { cached } = createWorld();
  await cached.find(query);
  const remembered = await cached.find(query);
  expect(remembered?.grants.map(({ room, ...rest }) => rest)).toEqual(match.grants);
});

test('queries that look alike are not mistaken for each other', async () => {
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

test('queries of parts that look like the marks between them are not mistaken for each other', async () => {
  const { world, cached } = createWorld();
  const parts = [null, '', '-', '0:', '1:', '1:-', '-0:', ':', '::'];
  for (const organizationId of parts) {
    for (const subject of parts)
      for (const accountId of parts) await cached.find({ ...query, organizationId, subject, accountId });
  }
  expect(world.reads).toBe(parts.length ** 3);
});

describe('recalling', () => {
  test('answers at once once the row was read, with the same object each time', async () => {
    const { cached } = createWorld();
    expect(cached.recall(query)).toBeUndefined();
    await cached.find(query);
    const recalled = cached.recall(query);
    expect(recalled?.grants[0]?.room).toEqual({});
    expect(cached.recall(query)).toBe(recalled);
    expect(await cached.find(query)).toBe(recalled);
  });

  test.each(mayChangeIt)('answers nothing, and later with other objects, after: %s', async (_, [channel, payload]) => {
    const { cached, tell } = createWorld();
    await cached.find(query);
    const before = cached.recall(query);
    tell(channel as 'grant_changed', payload as Notifications['grant_changed']);
    expect(cached.recall(query)).toBeUndefined();
    await cached.find(query);
    expect(cached.recall(query)?.grants[0]?.room).not.toBe(before?.grants[0]?.room);
  });

  test('answers nothing while the listener is down, nor from before once it is back', async () => {
    const { world, cached, turn } = createWorld();
    await cached.find(query);
    // Deaf for a while before it is noticed and said.
    world.isUp = false;
    expect(cached.recall(query)).toBeUndefined();
    turn(false);
    turn(true);
    expect(cached.recall(query)).toBeUndefined();
  });
});

describe('of more than are kept unpacked', () => {
  const mostUnpacked = 11_000;
  const queryOf = (n: number) => ({ ...query, subject: `person-${n}` });
  const roomsOf = (cached: ReturnType<typeof createWorld>['cached'], count: number) =>
    Array.from({ length: count }, (_, n) => cached.recall(queryOf(n))?.grants[0]?.room);

  test('no more are, and the others are unpacked each time', async () => {
    const { cached } = createWorld();
    const count = mostUnpacked + 10_000;
    for (let n = 0; n < count; n += 1) await cached.find(queryOf(n));
    for (let turn = 0; turn < 3; turn += 1) roomsOf(cached, count);
    const kept = roomsOf(cached, count).filter((room) => room !== undefined);
    expect(kept.length).toBeGreaterThan(mostUnpacked - 1_000);
    // One in sixteen of the rest took the place of another while they were counted.
    expect(kept.length).toBeLessThan(mostUnpacked + 1_000);
  });

  test('those that are wanted all the time stay, whoever else comes by', async () => {
    const { cached } = createWorld();
    for (let n = 0; n < mostUnpacked; n += 1) await cached.find(queryOf(n));
    const wanted = 100;
    const before = roomsOf(cached, mostUnpacked).slice(0, wanted);
    for (let turn = 0; turn < 20; turn += 1) roomsOf(cached, wanted);
    // In the cache for 100,000 there is room for them all.
    for (let n = 0; n < 60_000; n += 1) {
      await cached.find(queryOf(mostUnpacked + n));
      cached.recall(queryOf(mostUnpacked + n));
      cached.recall(queryOf(n % wanted));
    }
    expect(roomsOf(cached, wanted).every((room, n) => room === before[n])).toBe(true);
  });
});
