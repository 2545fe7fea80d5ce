import { beforeEach, expect, test } from 'vitest';
import { createAuthenticateCaller } from '../../../../src/broker/callers/authenticate-caller.ts';
import { createTokens } from '../../../../src/crypto/tokens.ts';
import type { ApiKey } from '../../../../src/domain/callers/api-key.ts';
import { BrokerError } from '../../../../src/domain/errors.ts';
import { Secret } from '../../../../src/domain/secret.ts';
import { noWorkloadTokens } from '../../../support/memory/no-workload-tokens.ts';

const tokens = createTokens();
const right = 'r'.repeat(43);
const bearerOf = (id: string, secret: string) => new Secret(`tb_${id}_${secret}`);

function aKey(id: string, secret: string, changes: Partial<ApiKey> = {}): ApiKey {
  return {
    id,
    name: id,
    secretHash: tokens.sha256(secret),
    permissions: ['credentials:read'],
    organizations: ['acme'],
    global: false,
    connections: null,
    createdBy: 'bootstrap',
    createdAt: new Date(),
    expiresAt: null,
    rateLimitPerMinute: null,
    lastUsedAt: null,
    revokedAt: null,
    ...changes,
  };
}

const away = BrokerError.with('service_unavailable', 'The database is away.', { retry_after: 5 });

function setUp(bootstrapKey: string | null = null) {
  const stored = new Map<string, ApiKey>();
  const used: string[] = [];
  const time = { now: new Date('2030-01-01T00:00:00Z') };
  const database = { isAway: false };
  const authenticate = createAuthenticateCaller({
    findApiKey: async (id) => {
      if (database.isAway) throw away;
      return stored.get(id);
    },
    recallApiKey: () => undefined,
    noteUse: (id) => void used.push(id),
    workloadTokens: noWorkloadTokens,
    tokens,
    bootstrapKey: bootstrapKey === null ? null : new Secret(bootstrapKey),
    clock: () => time.now,
    sleep: () => new Promise(() => undefined),
  });
  return { stored, used, time, database, authenticate };
}

let keys: ReturnType<typeof setUp>;
beforeEach(() => {
  keys = setUp();
});

const unauthorized = expect.objectContaining({ code: 'unauthorized' });

test('a stored key authenticates with its secret, and each use is recorded', async () => {
  keys.stored.set('k', aKey('k', right));
  for (const _ of [1, 2]) {
    const caller = await keys.authenticate(bearerOf('k', right));
    expect(caller).toMatchObject({ id: 'api_key:k', organizations: ['acme'] });
  }
  expect(keys.used).toEqual(['k', 'k']);
});

test('a stored key is refused with any other secret, before and after the right one was used', async () => {
  keys.stored.set('k', aKey('k', right)).set('other', aKey('other', 'o'.repeat(43)));
  const wrong = [`${'r'.repeat(42)}s`, `s${'r'.repeat(42)}`, 'R'.repeat(43), 'o'.repeat(43)];
  for (const _ of ['before', 'after']) {
    for (const secret of wrong) await expect(keys.authenticate(bearerOf('k', secret))).rejects.toEqual(unauthorized);
    await keys.authenticate(bearerOf('k', right));
  }
  expect(keys.used).toEqual(['k', 'k']);
});

test('a stored key is refused from the instant it expires', async () => {
  keys.stored.set('k', aKey('k', right, { expiresAt: new Date('2030-01-02T00:00:00Z') }));
  await keys.authenticate(bearerOf('k', right));
  keys.time.now = new Date('2030-01-02T00:00:00Z');
  await expect(keys.authenticate(bearerOf('k', right))).rejects.toEqual(unauthorized);
});

test('a key that is revoked, deleted or replaced after it was used is refused at the next use', async () => {
  for (const next of [aKey('k', right, { revokedAt: new Date() }), undefined, aKey('k', 'n'.repeat(43))]) {
    keys.stored.set('k', aKey('k', right));
    await keys.authenticate(bearerOf('k', right));
    if (next === undefined) keys.stored.delete('k');
    else keys.stored.set('k', next);
    await expect(keys.authenticate(bearerOf('k', right))).rejects.toEqual(unauthorized);
  }
});

test.each(['a bootstrap key of thirty-two characters', `tb_k_${'b'.repeat(43)}`])(
  'the bootstrap key authenticates in whatever form it was chosen: %s',
  async (bootstrapKey) => {
    const { authenticate, stored, used } = setUp(bootstrapKey);
    stored.set('k', aKey('k', right));
    expect(await authenticate(new Secret(bootstrapKey))).toMatchObject({ id: 'bootstrap', organizations: '*' });
    expect(await authenticate(bearerOf('k', right))).toMatchObject({ id: 'api_key:k' });
    for (const wrong of [`${bootstrapKey}x`, bootstrapKey.slice(1), bootstrapKey.toUpperCase()]) {
      await expect(authenticate(new Secret(wrong))).rejects.toEqual(unauthorized);
    }
    expect(used).toEqual(['k']);
  },
);

test('keys of one organisation, however many, make no key of a monitor forgotten', async () => {
  const { stored, database, authenticate } = keys;
  const options = { mayLookUp: async () => true, needsDatabase: false };
  const monitor = aKey('monitor', right, { permissions: ['admin:read'], organizations: '*', global: true });
  const others = Array.from({ length: 100 }, (_, at) => aKey(`acme-${at}`, right, { permissions: ['admin:read'] }));
  for (const key of [monitor, ...others]) {
    stored.set(key.id, key);
    await authenticate(bearerOf(key.id, right), options);
  }
  database.isAway = true;
  expect(await authenticate(bearerOf('monitor', right), options)).toMatchObject({ name: 'monitor' });
  await expect(authenticate(bearerOf('acme-99', right), options)).rejects.toThrow('away');
});
