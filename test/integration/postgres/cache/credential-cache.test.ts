import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { OrganizationId } from '../../../../src/domain/connections/connection.ts';
import type { CredentialQuery } from '../../../../src/domain/grants/credential.ts';
import { createPostgres, type Postgres } from '../../../../src/postgres/postgres.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { anArrival, minutesFromNow, tokensUntil } from '../../../support/builders/grant.ts';
import { anEvent } from '../../../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { createTcpProxy, type TcpProxy } from '../../../support/faults/tcp-proxy.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const patience = { timeout: 10_000, interval: 10 };

/** Two processes on one database: `a` and `b`, of which `b` hears by way of a network that can be cut. */
describe('a cached credential', () => {
  let a: TestStores;
  let b: Postgres;
  let toListener: TcpProxy;
  let name: string;
  let sequence = 0;

  beforeAll(async () => {
    a = await openTestStores();
    toListener = await createTcpProxy(a.url);
    b = createPostgres({
      connectionString: a.url,
      listenConnectionString: toListener.url,
      poolMax: 5,
      onError: () => {},
    });
    a.listener.start();
    b.listener.start();
  });
  afterAll(async () => {
    await b?.close();
    await toListener?.close();
    await a?.end();
  });
  beforeEach(async () => {
    name = `cached-${++sequence}`;
    await vi.waitUntil(() => a.listener.isUp() && b.listener.isUp(), patience);
  });
  afterEach(() => vi.restoreAllMocks());

  const find = (process: Postgres, organizationId: OrganizationId, query: Partial<CredentialQuery> = {}) =>
    process.credentials.find({ organizationId, connectionName: name, subject: null, accountId: null, ...query });
  const idIn = async (process: Postgres, organizationId: OrganizationId, query?: Partial<CredentialQuery>) =>
    (await find(process, organizationId, query))?.grants.map(({ id }) => id);
  const isCached = async (process: Postgres, organizationId: OrganizationId, query?: Partial<CredentialQuery>) => {
    const first = await find(process, organizationId, query);
    // The very same object: a row that is read again makes another.
    return first !== undefined && first === (await find(process, organizationId, query));
  };
  const untilCached = async (process: Postgres, organizationId: OrganizationId, query?: Partial<CredentialQuery>) => {
    // The echo of what was stored a moment ago may still be under way.
    await vi.waitUntil(() => isCached(process, organizationId, query), patience);
  };

  test('is found in memory the second time, in each process', async () => {
    const connection = await storeConnection(a, aConnection('acme', name));
    await storeGrant(a, 'acme', connection);
    await untilCached(a, 'acme');
    await untilCached(b, 'acme');
  });

  test('is gone before the revocation is answered, and in the other process when it hears of it', async () => {
    const connection = await storeConnection(a, aConnection('acme', name));
    const id = await storeGrant(a, 'acme', connection);
    await untilCached(a, 'acme');
    await untilCached(b, 'acme');
    const heard = new Promise<void>((resolve) =>
      b.listener.subscribe('grant_changed', ({ grant_id }) => {
        if (grant_id === id) resolve();
      }),
    );
    await a.database.write('acme', ({ grants }) => grants.revoke(id, { by: 'x', reason: null, now: new Date() }));
    expect((await find(a, 'acme'))?.grants).toMatchObject([{ id, statusReason: 'revoked', sealedTokens: null }]);
    await heard;
    expect((await find(b, 'acme'))?.grants).toMatchObject([{ id, statusReason: 'revoked', sealedTokens: null }]);
  });

  test('is gone at once where its grant, or its connection with all that is below it, is deleted', async () => {
    const connection = await storeConnection(a, aConnection('acme', name));
    const id = await storeGrant(a, 'acme', connection);
    await untilCached(a, 'acme');
    await a.database.write('acme', ({ grants }) => grants.delete(id));
    expect(await idIn(a, 'acme')).toEqual([]);
    await storeGrant(a, 'acme', connection);
    await untilCached(a, 'acme');
    await untilCached(b, 'acme');
    await a.database.write('acme', ({ connections }) => connections.delete(connection.id));
    expect(await find(a, 'acme')).toBeUndefined();
    await vi.waitUntil(async () => (await find(b, 'acme')) === undefined, patience);
  });

  test('gives way at once to the refreshed one, in the process that refreshed it', async () => {
    const connection = await storeConnection(a, aConnection('acme', name));
    const id = await storeGrant(a, 'acme', connection);
    await untilCached(a, 'acme');
    await untilCached(b, 'acme');
    const leased = await a.refreshes.acquire(id, 'owner', 45_000);
    if (leased === undefined) throw new Error('taken');
    const base = { id, connectionId: connection.id, organizationId: 'acme', version: 1 };
    await a.refreshes.save(base, 'owner', tokensUntil(minutesFromNow(60)), anEvent(connection, id));
    expect((await find(a, 'acme'))?.grants[0]?.version).toBe(2);
    await vi.waitUntil(async () => (await find(b, 'acme'))?.grants[0]?.version === 2, patience);
  });

  test('gives way at once when its connection is edited and its tokens are dropped, for every organisation', async () => {
    const global = await storeConnection(a, aConnection(null, name));
    await storeGrant(a, null, global);
    await storeGrant(a, 'acme', global, { subject: 'ann' });
    const readers: [OrganizationId, Partial<CredentialQuery>][] = [
      [null, {}],
      ['other', {}],
      ['acme', { subject: 'ann' }],
    ];
    for (const [organizationId, query] of readers) {
      await untilCached(a, organizationId, query);
      await untilCached(b, organizationId, query);
    }
    await a.database.write(null, async ({ connections, grants }) => {
      await grants.dropAllOf(global.id, new Date());
      await connections.update(global);
    });
    for (const [organizationId, query] of readers) {
      expect((await find(a, organizationId, query))?.grants).toMatchObject([{ sealedTokens: null }]);
      const dropped = async () => (await find(b, organizationId, query))?.grants[0]?.sealedTokens === null;
      await vi.waitUntil(dropped, patience);
    }
  });

  test('is hidden at once by a grant or a connection of the organisation’s own, and of no other', async () => {
    const global = await storeConnection(a, aConnection(null, name));
    const shared = await storeGrant(a, null, global);
    for (const organizationId of ['acme', 'other', 'third']) {
      await untilCached(a, organizationId);
      await untilCached(b, organizationId);
    }
    const own = await storeGrant(a, 'acme', global);
    expect(await idIn(a, 'acme')).toEqual([own]);
    const ownConnection = await storeConnection(a, aConnection('other', name));
    expect(await find(a, 'other')).toMatchObject({ connectionId: ownConnection.id, grants: [] });
    await vi.waitUntil(async () => (await idIn(b, 'acme'))?.[0] === own, patience);
    await vi.waitUntil(async () => (await find(b, 'other'))?.connectionId === ownConnection.id, patience);
    expect(await isCached(a, 'third')).toBe(true);
    expect(await idIn(a, 'third')).toEqual([shared]);
  });

  test('is joined at once by a second account', async () => {
    const connection = await storeConnection(a, aConnection('acme', name, { multiAccount: true }));
    const first = await storeGrant(a, 'acme', connection, { accountId: 'T1' });
    await untilCached(a, 'acme');
    const second = await storeGrant(a, 'acme', connection, { accountId: 'T2' });
    expect((await idIn(a, 'acme'))?.sort()).toEqual([first, second].sort());
  });

  test('that nobody has yet is looked for each time', async () => {
    expect(await find(b, 'acme')).toBeUndefined();
    const connection = await storeConnection(a, aConnection('acme', name));
    expect(await idIn(b, 'acme')).toEqual([]);
    const id = await storeGrant(a, 'acme', connection);
    expect(await idIn(b, 'acme')).toEqual([id]);
  });

  test('is not kept, nor served, by a process whose listener is cut off', async () => {
    const connection = await storeConnection(a, aConnection('acme', name));
    const id = await storeGrant(a, 'acme', connection);
    await untilCached(b, 'acme');
    await toListener.cut();
    await vi.waitUntil(() => !b.listener.isUp(), patience);
    expect(await isCached(b, 'acme')).toBe(false);
    await a.database.write('acme', ({ grants }) => grants.revoke(id, { by: 'x', reason: null, now: new Date() }));
    expect((await find(b, 'acme'))?.grants).toMatchObject([{ statusReason: 'revoked' }]);
    await toListener.restore();
    await vi.waitUntil(() => b.listener.isUp(), patience);
    await untilCached(b, 'acme');
  });

  test('is served for five seconds at most to a process that hears nothing on an open connection', async () => {
    const connection = await storeConnection(a, aConnection('acme', name));
    const id = await storeGrant(a, 'acme', connection);
    await untilCached(b, 'acme');
    toListener.hang();
    await a.database.write('acme', ({ grants }) => grants.revoke(id, { by: 'x', reason: null, now: new Date() }));
    await vi.waitUntil(() => !b.listener.isUp(), { timeout: 20_000, interval: 50 });
    expect((await find(b, 'acme'))?.grants).toMatchObject([{ statusReason: 'revoked' }]);
    await toListener.restore();
  });

  test('is read anew for whoever doubts it, and replaced by what is found', async () => {
    const connection = await storeConnection(a, aConnection('acme', name));
    await storeGrant(a, 'acme', connection);
    await untilCached(a, 'acme');
    const cached = await find(a, 'acme');
    const query = { organizationId: 'acme', connectionName: name, subject: null, accountId: null };
    const stored = await a.credentials.findStored(query);
    expect(stored).not.toBe(cached);
    expect(stored?.grants[0]?.sealedTokens).toEqual(cached?.grants[0]?.sealedTokens);
    expect(await find(a, 'acme')).not.toBe(cached);
    expect(await isCached(a, 'acme')).toBe(true);
  });

  test('of one organisation, subject or account is never another’s', async () => {
    const global = await storeConnection(a, aConnection(null, name, { multiAccount: true }));
    const expected: [string, string | null, string | null, string][] = [];
    for (const organizationId of ['acme', 'other']) {
      for (const subject of [null, 'ann', 'bob']) {
        for (const accountId of ['T1', 'T2']) {
          const id = await storeGrant(a, organizationId, global, { ...(subject && { subject }), accountId });
          expected.push([organizationId, subject, accountId, id]);
        }
      }
    }
    for (const _ of ['read', 'remembered']) {
      for (const [organizationId, subject, accountId, id] of expected)
        expect(await idIn(a, organizationId, { subject, accountId })).toEqual([id]);
    }
  });

  test('that was replaced while its row was read is not the one that is kept', async () => {
    const connection = await storeConnection(a, aConnection('acme', name));
    const id = await storeGrant(a, 'acme', connection);
    for (let round = 0; round < 30; round += 1) {
      const reads = Array.from({ length: 5 }, () => find(a, 'acme'));
      const arrival = anArrival(connection, { tokens: tokensUntil(minutesFromNow(60)) });
      await a.database.write('acme', ({ grants }) => grants.replace(id, arrival));
      await Promise.all(reads);
      const stored = (await a.refreshes.find(id))?.grant.version;
      expect((await find(a, 'acme'))?.grants[0]?.version).toBe(stored);
    }
  });
});
