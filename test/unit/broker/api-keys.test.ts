import { beforeEach, describe, expect, test } from 'vitest';
import { createAuthenticateCaller } from '../../../src/broker/authenticate-caller.ts';
import { createCreateApiKey, type NewApiKey } from '../../../src/broker/create-api-key.ts';
import { createListApiKeys } from '../../../src/broker/list-api-keys.ts';
import { createRevokeApiKey } from '../../../src/broker/revoke-api-key.ts';
import type { Caller } from '../../../src/domain/caller.ts';
import { Secret } from '../../../src/domain/secret.ts';
import { createMemoryApiKeys } from '../../support/memory-api-keys.ts';
import { actorOf, memoryTokens } from '../../support/memory-broker.ts';

const everything = actorOf(null).caller;
const trace = { requestId: 'r', address: null };
const narrow: NewApiKey = {
  name: 'crm reader',
  permissions: ['credentials:read'],
  organizations: ['acme'],
  global: false,
  connections: ['crm-*'],
  expiresAt: null,
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
    create: createCreateApiKey({ store, tokens: memoryTokens, newId: () => crypto.randomUUID(), clock }),
    list: createListApiKeys({ store }),
    revoke: createRevokeApiKey({ store, clock }),
    authenticate: createAuthenticateCaller({
      findApiKey: store.find,
      recallApiKey: () => undefined,
      noteUse: (id) => void used.push(id),
      tokens: memoryTokens,
      bootstrapKey: new Secret('b'.repeat(32)),
      clock,
    }),
  };
}

let keys: ReturnType<typeof setUp>;
beforeEach(() => {
  keys = setUp();
});

describe('authenticating a caller', () => {
  test('a key made here is known by what it was given, and its use is noted', async () => {
    const { apiKey, key } = await keys.create(everything, narrow, trace);
    const { name, permissions, organizations, global, connections } = narrow;
    expect(await keys.authenticate(key)).toEqual({
      id: `api_key:${apiKey.id}`,
      name,
      permissions,
      organizations,
      global,
      connections,
    });
    expect(keys.used).toEqual([apiKey.id]);
  });

  test('what is stored does not contain the secret', async () => {
    const { apiKey, key } = await keys.create(everything, narrow, trace);
    const secret = key.reveal().slice(`tb_${apiKey.id}_`.length);
    expect(JSON.stringify([...keys.store.rows.values(), keys.store.audit])).not.toContain(secret);
    expect(Buffer.from(apiKey.secretHash).toString('utf8')).not.toContain(secret);
  });

  test('the bootstrap key may do everything', async () => {
    expect(await keys.authenticate(new Secret('b'.repeat(32)))).toMatchObject({ id: 'bootstrap', global: true });
  });

  test('a wrong secret, an unknown id, a revoked and an expired key get one and the same answer', async () => {
    const { apiKey, key } = await keys.create(everything, narrow, trace);
    const { key: expiring } = await keys.create(everything, { ...narrow, expiresAt: new Date('2030-01-02') }, trace);
    const { key: doomed, apiKey: revoked } = await keys.create(everything, narrow, trace);
    await keys.revoke(everything, revoked.id, trace);
    keys.time.now = new Date('2030-01-02');
    const wrong = [
      expiring,
      doomed,
      new Secret(`tb_${apiKey.id}_${'A'.repeat(43)}`),
      new Secret(key.reveal().replace(apiKey.id, crypto.randomUUID())),
      new Secret('b'.repeat(31)),
      new Secret(''),
    ];
    const answers = await Promise.allSettled(wrong.map(async (each) => keys.authenticate(each)));
    for (const answer of answers)
      expect(answer).toMatchObject({ reason: { code: 'unauthorized', message: 'The key is not valid.' } });
    expect(keys.used).toEqual([]);
  });
});

describe('making, listing and revoking keys', () => {
  const maker: Caller = {
    id: 'api_key:maker',
    name: 'maker',
    permissions: ['admin:read', 'admin:write', 'credentials:read'],
    organizations: ['acme'],
    global: false,
    connections: ['crm-*'],
  };

  test('a key is never given more than its maker has', async () => {
    await expect(keys.create(maker, narrow, trace)).resolves.toBeDefined();
    for (const wider of [
      { permissions: ['connections:write'] },
      { organizations: '*' },
      { global: true },
      { connections: null },
    ]) {
      await expect(keys.create(maker, { ...narrow, ...wider } as NewApiKey, trace)).rejects.toMatchObject({
        code: 'forbidden',
      });
    }
    expect(keys.store.rows.size).toBe(1);
  });

  test('a key that would reach nothing, or has already expired, is refused', async () => {
    const useless = { ...narrow, organizations: [], expiresAt: new Date('2029-01-01') };
    await expect(keys.create(everything, useless, trace)).rejects.toMatchObject({
      details: { errors: [{ path: 'organizations' }, { path: 'expires_at' }] },
    });
  });

  test('keys that exceed the caller are neither listed nor revoked', async () => {
    const { apiKey: own } = await keys.create(maker, narrow, trace);
    const others = [
      { ...narrow, organizations: ['globex'] },
      { ...narrow, permissions: ['connections:write' as const] },
      { ...narrow, connections: null },
    ];
    for (const other of others) {
      const { apiKey } = await keys.create(everything, other, trace);
      await expect(keys.revoke(maker, apiKey.id, trace)).rejects.toMatchObject({ code: 'not_found' });
    }
    expect((await keys.list(maker)).map(({ id }) => id)).toEqual([own.id]);
    expect(await keys.list(everything)).toHaveLength(4);
    await keys.revoke(maker, own.id, trace);
    await expect(keys.revoke(maker, own.id, trace)).rejects.toMatchObject({ code: 'not_found' });
    expect(keys.store.audit.at(-1)).toMatchObject({
      action: 'api_key.revoked',
      organizationId: 'acme',
      requestId: 'r',
    });
  });
});
