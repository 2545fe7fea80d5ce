import { beforeEach, expect, test, vi } from 'vitest';
import type { AuditEvent } from '../../../../src/domain/audit.ts';
import type { ApiKey } from '../../../../src/domain/callers/api-key.ts';
import { createCachedApiKeys } from '../../../../src/postgres/cache/api-key-cache.ts';
import { createSubscribers } from '../../../../src/postgres/notify/subscribers.ts';
import { createMemoryApiKeys } from '../../../support/memory/api-keys.ts';

const anEvent: AuditEvent = {
  time: new Date(),
  actor: 'bootstrap',
  action: 'api_key.revoked',
  organizationId: null,
  connectionId: null,
  connectionName: null,
  grantId: null,
  outcome: 'success',
  details: {},
  requestId: null,
  address: null,
};
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
  rateLimitPerMinute: null,
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
  const find = vi.spyOn(store, 'find');
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
    reads: () => find.mock.calls.length,
    notify: () => subscribers.notifyLocally('api_key_changed', { api_key_id: 'k' }),
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

test('a key is read once and then found in memory', async () => {
  for (const _ of [1, 2, 3]) expect(await world.cached.find('k')).toEqual(key);
  expect(world.reads()).toBe(1);
});

test('a revoked key is dropped before the revocation is answered, in other processes with the notification', async () => {
  await world.cached.find('k');
  await world.cached.revoke('k', { reach: everything, cascade: false, now: new Date(), eventOf: () => anEvent });
  expect(await world.cached.find('k')).toMatchObject({ revokedAt: expect.any(Date) });
  expect(world.reads()).toBe(2);
  world.notify();
  await world.cached.find('k');
  expect(world.reads()).toBe(3);
});

test('a key is neither served from memory nor cached while the listener is down', async () => {
  await world.cached.find('k');
  world.turn(false);
  for (const _ of [1, 2]) await world.cached.find('k');
  expect(world.reads()).toBe(3);
  world.turn(true);
  await world.cached.find('k');
  expect(world.reads()).toBe(4);
});

test('a cached key keeps no block of memory beyond its own bytes', async () => {
  await world.cached.find('k');
  expect((await world.cached.find('k'))?.secretHash.buffer.byteLength).toBe(32);
});
