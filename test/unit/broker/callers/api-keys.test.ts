import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { createAuthenticateCaller } from '../../../../src/broker/callers/authenticate-caller.ts';
import { createCreateApiKey, type NewApiKey } from '../../../../src/broker/callers/create-api-key.ts';
import { createListApiKeys } from '../../../../src/broker/callers/list-api-keys.ts';
import { createRevokeApiKey } from '../../../../src/broker/callers/revoke-api-key.ts';
import { createTokens } from '../../../../src/crypto/tokens.ts';
import type { Caller } from '../../../../src/domain/callers/caller.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { createMemoryApiKeys } from '../../../support/memory/api-keys.ts';
import { actorOf } from '../../../support/memory/broker.ts';
import { noWorkloadTokens } from '../../../support/memory/no-workload-tokens.ts';

const everything = actorOf(null).caller;
const trace = { requestId: 'r', address: null };
const narrow: NewApiKey = {
  name: 'crm reader',
  permissions: ['credentials:read'],
  organizations: ['acme'],
  global: false,
  connections: ['crm-*'],
  expiresAt: null,
  rateLimitPerMinute: null,
};

function setUp() {
  const store = createMemoryApiKeys();
  const time = { now: new Date('2030-01-01T00:00:00Z') };
  const clock = () => time.now;
  const used: string[] = [];
  return {
    store,
    time,
    used,
    create: createCreateApiKey({ store, tokens: createTokens(), newId: () => crypto.randomUUID(), clock }),
    list: createListApiKeys({ store }),
    revoke: createRevokeApiKey({ store, clock }),
    authenticate: createAuthenticateCaller({
      findApiKey: store.find,
      recallApiKey: () => undefined,
      noteUse: (id) => void used.push(id),
      workloadTokens: noWorkloadTokens,
      tokens: createTokens(),
      bootstrapKey: new Secret('b'.repeat(32)),
      clock,
      sleep: async () => undefined,
    }),
  };
}

let keys: ReturnType<typeof setUp>;
beforeEach(() => {
  keys = setUp();
});

describe('authenticating a caller', () => {
  test('a created key authenticates with its privileges, and its use is recorded', async () => {
    const { apiKey, key } = await keys.create(everything, narrow, trace);
    const { name, permissions, organizations, global, connections } = narrow;
    expect(await keys.authenticate(key)).toEqual({
      id: `api_key:${apiKey.id}`,
      name,
      permissions,
      organizations,
      global,
      connections,
      expiresAt: null,
      rateLimitPerMinute: null,
    });
    expect(keys.used).toEqual([apiKey.id]);
  });

  test('the stored key does not contain the secret', async () => {
    const { apiKey, key } = await keys.create(everything, narrow, trace);
    const secret = key.reveal().slice(`tb_${apiKey.id}_`.length);
    expect(JSON.stringify([...keys.store.rows.values(), keys.store.audit])).not.toContain(secret);
    expect(Buffer.from(apiKey.secretHash).toString('utf8')).not.toContain(secret);
  });

  test('the bootstrap key may do everything', async () => {
    expect(await keys.authenticate(new Secret('b'.repeat(32)))).toMatchObject({ id: 'bootstrap', global: true });
  });

  test('a wrong secret, an unknown id, a revoked and an expired key get the same refusal', async () => {
    const { apiKey, key } = await keys.create(everything, narrow, trace);
    const { key: expiring } = await keys.create(everything, { ...narrow, expiresAt: new Date('2030-01-02') }, trace);
    const { key: doomed, apiKey: revoked } = await keys.create(everything, narrow, trace);
    await keys.revoke(everything, revoked.id, { cascade: false }, trace);
    keys.time.now = new Date('2030-01-02');
    const wrong = [
      expiring,
      doomed,
      new Secret(`tb_${apiKey.id}_${'A'.repeat(43)}`),
      new Secret(key.reveal().replace(apiKey.id, crypto.randomUUID())),
      new Secret('b'.repeat(31)),
      new Secret(''),
    ];
    const refusals = await Promise.allSettled(wrong.map(async (each) => keys.authenticate(each)));
    for (const refusal of refusals)
      expect(refusal).toMatchObject({ reason: { code: 'unauthorized', message: 'The key or token is not valid.' } });
    expect(keys.used).toEqual([]);
  });
});

describe('making, listing and revoking keys', () => {
  const creator: Caller = {
    id: 'a-person',
    name: 'creator',
    permissions: ['admin:read', 'admin:write', 'credentials:read'],
    organizations: ['acme'],
    global: false,
    connections: ['crm-*'],
    expiresAt: null,
    rateLimitPerMinute: null,
  };

  test('a key never exceeds the privileges of its creator', async () => {
    await expect(keys.create(creator, narrow, trace)).resolves.toBeDefined();
    for (const wider of [
      { permissions: ['connections:write'] },
      { organizations: '*' },
      { global: true },
      { connections: null },
    ]) {
      await expect(keys.create(creator, { ...narrow, ...wider } as NewApiKey, trace)).rejects.toMatchObject({
        code: 'forbidden',
      });
    }
    expect(keys.store.rows.size).toBe(1);
  });

  test('a new key that reaches nothing or has already expired is refused', async () => {
    const useless = { ...narrow, organizations: [], expiresAt: new Date('2029-01-01') };
    await expect(keys.create(everything, useless, trace)).rejects.toMatchObject({
      details: { errors: [{ path: 'organizations' }, { path: 'expires_at' }] },
    });
  });

  test('keys that exceed the caller are neither listed nor revoked', async () => {
    const { apiKey: own } = await keys.create(creator, narrow, trace);
    const others = [
      { ...narrow, organizations: ['globex'] },
      { ...narrow, permissions: ['connections:write' as const] },
      { ...narrow, connections: null },
    ];
    for (const other of others) {
      const { apiKey } = await keys.create(everything, other, trace);
      await expect(keys.revoke(creator, apiKey.id, { cascade: false }, trace)).rejects.toMatchObject({
        code: 'not_found',
      });
    }
    expect((await keys.list(creator)).map(({ id }) => id)).toEqual([own.id]);
    expect(await keys.list(everything)).toHaveLength(4);
    await keys.revoke(creator, own.id, { cascade: false }, trace);
    await expect(keys.revoke(creator, own.id, { cascade: false }, trace)).rejects.toMatchObject({ code: 'not_found' });
    expect(keys.store.audit.at(-1)).toMatchObject({
      action: 'api_key.revoked',
      organizationId: 'acme',
      requestId: 'r',
    });
  });

  test('a key never outlives the key that makes it, through any chain of keys', async () => {
    const instant = fc.date({ min: new Date('2030-01-02'), max: new Date('2035-01-01'), noInvalidDate: true });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(instant), { minLength: 1, maxLength: 5 }), async (requested) => {
        const rights: NewApiKey = { ...narrow, permissions: ['admin:write', 'credentials:read'] };
        let maker = everything;
        let bound = Number.POSITIVE_INFINITY;
        for (const expiresAt of requested) {
          const { apiKey, key } = await keys.create(maker, { ...rights, expiresAt }, trace);
          bound = Math.min(bound, expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
          expect(apiKey.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY).toBe(bound);
          maker = await keys.authenticate(key);
        }
      }),
    );
  });

  test('every revoked key of a cascade has its audit event', async () => {
    const rights: NewApiKey = { ...narrow, permissions: ['admin:write', 'credentials:read'] };
    const { apiKey: root, key } = await keys.create(everything, rights, trace);
    const { apiKey: child } = await keys.create(await keys.authenticate(key), narrow, trace);
    await keys.revoke(everything, root.id, { cascade: true }, trace);
    const revoked = keys.store.audit.filter(({ action }) => action === 'api_key.revoked');
    expect(revoked.map(({ details }) => details.api_key_id)).toEqual([root.id, child.id]);
  });
});
