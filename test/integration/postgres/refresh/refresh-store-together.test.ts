import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Connection } from '../../../../src/domain/connections/connection.ts';
import type { LeasedGrant } from '../../../../src/domain/ports/engine.ts';
import type { StoredTokens } from '../../../../src/domain/ports/grants.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { minutesFromNow, tokensUntil } from '../../../support/builders/grant.ts';
import { anEvent } from '../../../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const leaseMs = 45_000;

describe('refresh store with concurrent calls', () => {
  let stores: TestStores;
  let client: pg.Client;
  let sequence = 0;

  beforeAll(async () => {
    stores = await openTestStores();
    client = new pg.Client({ connectionString: stores.url });
    await client.connect();
  });
  afterAll(async () => {
    await client?.end();
    await stores?.end();
  });

  /** Stores grants, each below a connection of its own. */
  async function grants(count: number): Promise<{ id: string; connection: Connection }[]> {
    const made: { id: string; connection: Connection }[] = [];
    for (let n = 0; n < count; n++) {
      const connection = await storeConnection(stores, aConnection('acme', `many-${++sequence}`));
      made.push({ id: await storeGrant(stores, 'acme', connection), connection });
    }
    return made;
  }
  const leaseEach = (ids: readonly string[]) =>
    Promise.all(ids.map((id) => stores.refreshes.acquire(id, `many/${id}`, leaseMs)));
  function save(leased: LeasedGrant | undefined, tokens: StoredTokens = tokensUntil(minutesFromNow(60))) {
    if (leased === undefined) throw new Error('the lease is taken');
    const { grant, connection } = leased;
    return stores.refreshes.save(grant, `many/${grant.id}`, tokens, anEvent(connection, grant.id));
  }
  const idsOf = (made: readonly { id: string }[]) => made.map(({ id }) => id);
  const stored = (ids: readonly string[]) =>
    Promise.all(ids.map(async (id) => (await stores.refreshes.find(id))?.grant));

  test('concurrent acquires lease every free grant, and none that is leased or unknown', async () => {
    const [taken = '', ...free] = idsOf(await grants(4));
    await stores.refreshes.acquire(taken, 'another', leaseMs);
    const leases = await leaseEach([taken, ...free, '00000000-0000-7000-8000-000000000000']);
    expect(leases.map((leased) => leased?.grant.id)).toEqual([undefined, ...free, undefined]);
    expect(leases.map((leased) => leased?.grant.leaseOwner)).toEqual([
      undefined,
      ...free.map((id) => `many/${id}`),
      undefined,
    ]);
    expect(new Set(leases.flatMap((leased) => leased?.connection.id ?? [])).size).toBe(3);
  });

  test('acquire returns the stored grant with the intent as it was before', async () => {
    const [id = ''] = idsOf(await grants(1));
    const before = new Date();
    expect((await stores.refreshes.acquire(id, 'killed', -1))?.grant.refreshStartedAt).toBeNull();
    const [leased] = await leaseEach([id]);
    const [grant] = await stored([id]);
    expect(leased?.grant.refreshStartedAt?.getTime()).toBeGreaterThan(before.getTime() - 60_000);
    expect(grant?.refreshStartedAt?.getTime()).toBeGreaterThan(leased?.grant.refreshStartedAt?.getTime() ?? 0);
    expect(leased?.grant).toEqual({ ...grant, refreshStartedAt: leased?.grant.refreshStartedAt });
  });

  test('concurrent saves write every grant except one whose version has changed', async () => {
    const ids = idsOf(await grants(3));
    const leases = await leaseEach(ids);
    const [moved] = leases;
    if (moved === undefined) throw new Error('the lease is taken');
    const early = tokensUntil(minutesFromNow(5));
    await stores.refreshes.save(moved.grant, 'late', early, anEvent(moved.connection, moved.grant.id));
    expect(await Promise.all(leases.map((leased) => save(leased)))).toEqual([false, true, true]);
    const found = await stored(ids);
    expect(found.map((grant) => grant?.version)).toEqual([2, 2, 2]);
    expect(found.map((grant) => grant?.leaseOwner)).toEqual([null, null, null]);
    expect(found[0]?.metadata?.expiresAt?.getTime()).toBeLessThan(minutesFromNow(6).getTime());
  });

  test('concurrent saves store each token set unchanged, whatever the others contain', async () => {
    const made = await grants(4);
    const leases = await leaseEach(idsOf(made));
    const sets = [
      tokensUntil(minutesFromNow(60), { scopes: [] }),
      tokensUntil(minutesFromNow(61), { scopes: ['a b', 'say "x"', 'back\\slash', '{a,b}', 'NULL', '', '日本'] }),
      tokensUntil(null, { lifetimeSeconds: null, refreshable: false, scopes: ['read'] }),
      tokensUntil(minutesFromNow(62), {
        refreshExpiresAt: minutesFromNow(9_000),
        keepAliveAt: minutesFromNow(8_000),
        lifetimeSeconds: 0.5,
      }),
    ];
    expect(await Promise.all(leases.map((leased, n) => save(leased, sets[n])))).toEqual([true, true, true, true]);
    const found = await stored(idsOf(made));
    expect(found.map((grant) => grant?.metadata)).toEqual(sets.map(({ metadata }) => metadata));
    expect(found.map((grant) => Buffer.from(grant?.sealedTokens ?? []))).toEqual(sets.map(({ sealed }) => sealed));
  });

  test('concurrent saves append one audit event for each grant', async () => {
    const made = await grants(2);
    const leases = await leaseEach(idsOf(made));
    const events = made.map(({ id, connection }, n) => ({
      ...anEvent(connection, id),
      details: { quoted: `"${n}"`, list: [String(n)] },
      requestId: n === 0 ? null : 'request',
      address: n === 0 ? '::1' : null,
    }));
    await Promise.all(
      leases.map((leased, n) => {
        const event = events[n];
        if (leased === undefined || event === undefined) throw new Error('the lease is taken');
        return stores.refreshes.save(leased.grant, '', tokensUntil(minutesFromNow(60)), event);
      }),
    );
    const { rows } = await client.query(
      `select time, actor, action, organization_id as "organizationId", connection_id as "connectionId",
         connection_name as "connectionName", grant_id as "grantId", outcome, details, request_id as "requestId", address
       from audit_events where grant_id = any($1::uuid[]) order by details ->> 'quoted'`,
      [idsOf(made)],
    );
    expect(rows).toEqual(events);
  });

  test('a locked row delays its own save and no other', async () => {
    const ids = idsOf(await grants(3));
    const leases = await leaseEach(ids);
    await client.query('begin');
    await client.query('select from grants where id = $1 for update', [ids[1]]);
    const settled: number[] = [];
    const saves = leases.map((leased, n) =>
      save(leased).then((saved) => {
        settled.push(n);
        return saved;
      }),
    );
    expect(await Promise.all([saves[0], saves[2]])).toEqual([true, true]);
    expect(settled.toSorted()).toEqual([0, 2]);
    await client.query('commit');
    expect(await saves[1]).toBe(true);
  });
});
