import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiKey } from '../../../src/domain/api-key.ts';
import type { Reach } from '../../../src/domain/caller.ts';
import type { DataKey } from '../../../src/domain/ports/keys.ts';
import { aConnection, openTestStores, storeConnection, type TestStores } from '../../support/postgres-fixtures.ts';

describe('key stores', () => {
  let stores: TestStores;
  beforeAll(async () => {
    stores = await openTestStores();
  });
  afterAll(() => stores.end());

  const aDataKey = (): DataKey => ({
    id: v7(),
    keyEncryptionKeyId: 'k1',
    wrapped: randomBytes(60),
    state: 'sealing',
    canary: randomBytes(40),
    createdAt: new Date(),
  });

  const anApiKey = (reach: Reach): ApiKey => ({
    ...reach,
    id: v7(),
    name: 'a key',
    secretHash: randomBytes(32),
    permissions: ['credentials:read'],
    connections: ['gmail-*'],
    createdBy: 'bootstrap',
    createdAt: new Date(),
    expiresAt: null,
    lastUsedAt: null,
    revokedAt: null,
  });

  test('of several first starts at once exactly one makes the data key, and all see the same one', async () => {
    const keys = Array.from({ length: 8 }, aDataKey);
    const inserted = await Promise.all(keys.map((key) => stores.dataKeys.insertFirst(key)));
    expect(inserted.filter(Boolean)).toHaveLength(1);
    expect(await stores.dataKeys.list()).toEqual([keys[inserted.indexOf(true)]]);
    expect(await stores.dataKeys.insertFirst(aDataKey())).toBe(false);
  });

  test('sealed data is noticed', async () => {
    expect(await stores.dataKeys.hasSealedData()).toBe(false);
    await storeConnection(stores, aConnection('acme', 'sealed'));
    expect(await stores.dataKeys.hasSealedData()).toBe(true);
  });

  test('an API key comes back as it was stored', async () => {
    for (const reach of [
      { organizations: ['acme', 'other'], global: false },
      { organizations: '*', global: true },
    ] satisfies Reach[]) {
      const key = anApiKey(reach);
      await stores.apiKeys.insert(key);
      expect(await stores.apiKeys.find(key.id)).toEqual(key);
    }
    expect(await stores.apiKeys.find('absent')).toBeUndefined();
  });

  test('a key is listed and revoked only by those who reach as far, once', async () => {
    const local = anApiKey({ organizations: ['local'], global: false });
    const wide = anApiKey({ organizations: ['local', 'wide'], global: false });
    const global = anApiKey({ organizations: ['local'], global: true });
    const all = anApiKey({ organizations: '*', global: false });
    for (const key of [local, wide, global, all]) await stores.apiKeys.insert(key);
    const within = async (reach: Reach) => {
      const ids = new Set((await stores.apiKeys.list(reach)).map(({ id }) => id));
      return [local, wide, global, all].map(({ id }) => ids.has(id));
    };
    expect(await within({ organizations: ['local'], global: false })).toEqual([true, false, false, false]);
    expect(await within({ organizations: ['local', 'wide'], global: false })).toEqual([true, true, false, false]);
    expect(await within({ organizations: ['local'], global: true })).toEqual([true, false, true, false]);
    expect(await within({ organizations: '*', global: false })).toEqual([true, true, false, true]);
    expect(await within({ organizations: '*', global: true })).toEqual([true, true, true, true]);

    const now = new Date();
    expect(await stores.apiKeys.revoke(wide.id, { organizations: ['local'], global: true }, now)).toBe(false);
    expect(await stores.apiKeys.revoke(wide.id, { organizations: '*', global: false }, now)).toBe(true);
    expect(await stores.apiKeys.revoke(wide.id, { organizations: '*', global: false }, now)).toBe(false);
    expect((await stores.apiKeys.find(wide.id))?.revokedAt).toEqual(now);
  });

  test('the last use never goes backwards', async () => {
    const key = anApiKey({ organizations: '*', global: true });
    await stores.apiKeys.insert(key);
    const now = new Date();
    await stores.apiKeys.touch([key.id], now);
    await stores.apiKeys.touch([key.id], new Date(now.getTime() - 1000));
    await stores.apiKeys.touch([], now);
    expect((await stores.apiKeys.find(key.id))?.lastUsedAt).toEqual(now);
  });
});
