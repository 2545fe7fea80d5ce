import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit.ts';
import type { ApiKey } from '../../src/domain/callers/api-key.ts';
import type { Reach } from '../../src/domain/callers/caller.ts';
import type { ApiKeyStore, KeyRevocation } from '../../src/domain/ports/callers.ts';

export function describeApiKeys(open: () => Promise<ApiKeyStore>): void {
  describe('ApiKeyStore', () => {
    let keys: ApiKeyStore;
    beforeAll(async () => {
      keys = await open();
    });

    const eventOf = ({ id }: ApiKey): AuditEvent => ({
      time: new Date(),
      actor: 'bootstrap',
      action: 'api_key.created',
      organizationId: null,
      connectionId: null,
      connectionName: null,
      grantId: null,
      outcome: 'success',
      details: { api_key_id: id },
      requestId: null,
      address: null,
    });
    const everything: Reach = { organizations: '*', global: true };
    const revoke = async (key: ApiKey, change: Partial<KeyRevocation> = {}) => {
      const revoked = await keys.revoke(key.id, {
        reach: everything,
        cascade: false,
        now: new Date(),
        eventOf,
        ...change,
      });
      return revoked.map(({ id }) => id).toSorted();
    };

    async function store(reach: Reach, changes: Partial<ApiKey> = {}): Promise<ApiKey> {
      const key: ApiKey = {
        ...reach,
        id: v7(),
        name: 'a key',
        secretHash: randomBytes(32),
        permissions: ['credentials:read'],
        connections: ['gmail-*'],
        createdBy: 'bootstrap',
        createdAt: new Date(),
        expiresAt: null,
        rateLimitPerMinute: null,
        lastUsedAt: null,
        revokedAt: null,
        ...changes,
      };
      expect(await keys.insert(key, eventOf(key))).toBe(true);
      return key;
    }

    test.each<Reach>([
      { organizations: ['acme', 'other'], global: false },
      { organizations: '*', global: true },
    ])('finds a key as it was stored, with %j', async (reach) => {
      const key = await store(reach);
      expect(await keys.find(key.id)).toEqual(key);
    });

    test('finds nothing under an unknown id', async () => {
      expect(await keys.find('absent')).toBeUndefined();
    });

    test('lists the keys within a reach, in order of creation', async () => {
      const at = (second: number) => ({ createdAt: new Date(second * 1000) });
      const local = await store({ organizations: ['local'], global: false }, at(4));
      const wide = await store({ organizations: ['local', 'wide'], global: false }, at(3));
      const global = await store({ organizations: ['local'], global: true }, at(2));
      const all = await store({ organizations: '*', global: false }, at(1));
      const ids = [local, wide, global, all].map(({ id }) => id);
      const within = async (reach: Reach) =>
        (await keys.list(reach)).map(({ id }) => id).filter((id) => ids.includes(id));
      expect(await within({ organizations: ['local'], global: false })).toEqual([local.id]);
      expect(await within({ organizations: ['local', 'wide'], global: false })).toEqual([wide.id, local.id]);
      expect(await within({ organizations: ['local'], global: true })).toEqual([global.id, local.id]);
      expect(await within({ organizations: '*', global: false })).toEqual([all.id, wide.id, local.id]);
      expect(await within({ organizations: '*', global: true })).toEqual([all.id, global.id, wide.id, local.id]);
    });

    test('revokes a key once, and only within the reach', async () => {
      const key = await store({ organizations: ['local', 'wide'], global: false });
      const now = new Date();
      expect(await revoke(key, { reach: { organizations: ['local'], global: true }, now })).toEqual([]);
      expect((await keys.find(key.id))?.revokedAt).toBeNull();
      expect(await revoke(key, { reach: { organizations: '*', global: false }, now })).toEqual([key.id]);
      expect(await revoke(key, { now: new Date(0) })).toEqual([]);
      expect((await keys.find(key.id))?.revokedAt).toEqual(now);
    });

    test('a cascade revokes the whole chain of keys, also below one that was revoked before', async () => {
      const root = await store(everything);
      const made = (maker: ApiKey) => store(everything, { createdBy: `api_key:${maker.id}` });
      const [first, second] = [await made(root), await made(root)];
      const below = [await made(first), await made(second)];
      const [deepest, unrelated] = [await made(below[0] ?? first), await store(everything)];
      await revoke(first);
      expect(await revoke(root, { cascade: true })).toEqual(
        [root, second, ...below, deepest].map(({ id }) => id).toSorted(),
      );
      expect(await revoke(root, { cascade: true })).toEqual([]);
      expect((await keys.find(unrelated.id))?.revokedAt).toBeNull();
    });

    test('a cascade reaches the keys of a key that was revoked alone before', async () => {
      const root = await store(everything);
      const child = await store(everything, { createdBy: `api_key:${root.id}` });
      await revoke(root);
      expect((await keys.find(child.id))?.revokedAt).toBeNull();
      expect(await revoke(root, { cascade: true })).toEqual([child.id]);
    });

    test('a revoked key makes no key, however close the two requests are', async () => {
      const root = await store(everything);
      const children = Array.from(
        { length: 10 },
        (): ApiKey => ({ ...root, id: v7(), createdBy: `api_key:${root.id}` }),
      );
      const [made, revoked] = await Promise.all([
        Promise.all(children.map((child) => keys.insert(child, eventOf(child)))),
        revoke(root, { cascade: true }),
      ]);
      const stored = children.filter((_, at) => made[at]);
      expect(revoked).toEqual([root, ...stored].map(({ id }) => id).toSorted());
      for (const child of children) {
        const found = await keys.find(child.id);
        expect(found === undefined || found.revokedAt !== null).toBe(true);
      }
      const late = { ...root, id: v7(), createdBy: `api_key:${root.id}` };
      expect(await keys.insert(late, eventOf(late))).toBe(false);
    });

    test('the time of last use never goes back', async () => {
      const reach = { organizations: '*', global: true } as const;
      const used = [await store(reach), await store(reach)];
      const unused = await store(reach);
      const ids = used.map(({ id }) => id);
      const now = new Date();
      await keys.touch(ids, now);
      await keys.touch(ids, new Date(now.getTime() - 1000));
      await keys.touch([], now);
      for (const id of ids) expect((await keys.find(id))?.lastUsedAt).toEqual(now);
      expect((await keys.find(unused.id))?.lastUsedAt).toBeNull();
    });
  });
}
