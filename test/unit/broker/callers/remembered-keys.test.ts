import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createRememberedKeys } from '../../../../src/broker/callers/remembered-keys.ts';
import type { ApiKey } from '../../../../src/domain/callers/api-key.ts';
import { BrokerError } from '../../../../src/domain/errors.ts';

const key: ApiKey = {
  id: 'k1',
  name: 'prometheus',
  secretHash: new Uint8Array([1]),
  permissions: ['admin:read'],
  organizations: '*',
  global: true,
  connections: null,
  createdBy: 'bootstrap',
  createdAt: new Date('2030-01-01T00:00:00Z'),
  expiresAt: null,
  rateLimitPerMinute: null,
  lastUsedAt: null,
  revokedAt: null,
};
const minute = 60_000;
const away = () => Promise.reject(BrokerError.with('service_unavailable', 'The database is away.', { retry_after: 5 }));
const silent = () => new Promise<never>(() => undefined);

function setUp() {
  const world = { now: new Date('2030-01-01T00:00:00Z'), read: async (): Promise<ApiKey | undefined> => key };
  const keys = createRememberedKeys({
    findApiKey: () => world.read(),
    sleep: () => setImmediate(),
    clock: () => world.now,
  });
  const pass = (ms: number) => {
    world.now = new Date(world.now.getTime() + ms);
  };
  /** Presents the key as a caller with the right secret does. */
  const present = async () => {
    const found = await keys.find('k1');
    if (found !== undefined) keys.remember(found);
    return found;
  };
  return { world, keys, pass, present };
}

test.each([
  ['is away', away],
  ['never replies', silent],
])('a proven key is found while the database %s', async (_case, read) => {
  const { world, present } = setUp();
  await present();
  world.read = read;
  expect(await present()).toEqual(key);
});

test('a key that no caller has proven is not found without the database', async () => {
  const { world, keys } = setUp();
  await keys.find('k1');
  world.read = away;
  await expect(keys.find('k1')).rejects.toThrow('away');
});

test('an hour after the database was lost the key is forgotten, however often it was presented meanwhile', async () => {
  const { world, pass, present } = setUp();
  await present();
  pass(59 * minute);
  await present();
  world.read = away;
  for (let n = 0; n < 4; n++) {
    pass(15 * minute);
    expect(await present()).toEqual(key);
  }
  pass(1);
  await expect(present()).rejects.toThrow('away');
});

test('a revoked or deleted key is forgotten as soon as the database says so', async () => {
  for (const read of [async () => undefined, async () => ({ ...key, revokedAt: new Date() })]) {
    const { world, keys, present } = setUp();
    await present();
    world.read = read;
    await keys.find('k1');
    world.read = away;
    await expect(keys.find('k1')).rejects.toThrow('away');
  }
});

test('any other error of the database is not hidden', async () => {
  const { world, present } = setUp();
  await present();
  world.read = () => Promise.reject(new Error('a defect'));
  await expect(present()).rejects.toThrow('a defect');
});
