import { beforeEach, expect, test } from 'vitest';
import type { ApiKey } from '../../../src/domain/api-key.ts';
import { createCachedApiKeys } from '../../../src/postgres/api-key-cache.ts';
import { createSubscribers } from '../../../src/postgres/subscribers.ts';
import { createMemoryApiKeys } from '../../support/memory-api-keys.ts';

const everything = { organizations: '*', global: true } as const;
const key: ApiKey = {
  ...everything,
  id: 'k',
  name: 'a key',
  secretHash: Buffer.from('5e'.repeat(32), 'hex'),
  permissions: ['credentials:read'],
  connections: null,
  createdBy: 'bootstrap',
  createdAt: new Date(),
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
};

function setUp() {
  const subscribers = createSubscribers((error) => {
    throw error;
  });
  const watchers: ((up: boolean) => void)[] = [];
  const listening = { isUp: true };
  const store = createMemoryApiKeys();
  store.rows.set('k', key);
  const cached = createCachedApiKeys({
    store,
    listener: {
      subscribe: (channel, handler) => void subscribers.add(channel, handler),
      onChange: (handler) => watchers.push(handler),
      isUp: () => listening.isUp,
    },
    clock: () => new Date(),
  });
  return {
    cached,
    tell: () => subscribers.deliver('api_key_changed', { api_key_id: 'k' }),
    turn: (up: boolean) => {
      listening.isUp = up;
      for (const watcher of watchers) watcher(up);
    },
  };
}

let world: ReturnType<typeof setUp>;
beforeEach(() => {
  world = setUp();
});

test('a key is recalled once it was read, as the same object each time', async () => {
  expect(world.cached.recall('k')).toBeUndefined();
  const found = await world.cached.find('k');
  expect(world.cached.recall('k')).toBe(found);
  expect(world.cached.recall('k')).toBe(found);
});

test('a revoked key is forgotten before the revocation is answered, and elsewhere with the notification', async () => {
  await world.cached.find('k');
  await world.cached.revoke('k', everything, new Date());
  expect(world.cached.recall('k')).toBeUndefined();
  await world.cached.find('k');
  world.tell();
  expect(world.cached.recall('k')).toBeUndefined();
});

test('nothing is recalled while notifications may be missed, nor afterwards from before', async () => {
  await world.cached.find('k');
  world.turn(false);
  expect(world.cached.recall('k')).toBeUndefined();
  await world.cached.find('k');
  world.turn(true);
  expect(world.cached.recall('k')).toBeUndefined();
});

test('a key that is kept keeps no more than its own bytes', async () => {
  const found = await world.cached.find('k');
  expect(found).toEqual(key);
  expect(found?.secretHash.buffer.byteLength).toBe(32);
});
