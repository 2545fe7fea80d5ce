import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../../src/domain/connection.ts';
import type { LeasedGrant, RecordedFailure } from '../../../src/domain/ports/engine.ts';
import {
  aConnection,
  anArrival,
  anEvent,
  minutesFromNow,
  openTestStores,
  storeConnection,
  storeGrant,
  type TestStores,
  tokensUntil,
} from '../../support/postgres-fixtures.ts';

const leaseMs = 45_000;
const failure = {
  failed: null,
  message: 'The provider did not answer.',
  retryAt: minutesFromNow(1),
  keepIntent: false,
};

describe('refresh store', () => {
  let stores: TestStores;
  let connection: Connection;
  let grantId: string;
  let sequence = 0;

  beforeAll(async () => {
    stores = await openTestStores();
  });
  afterAll(() => stores.end());
  beforeEach(async () => {
    connection = await storeConnection(stores, aConnection('acme', `refresh-${++sequence}`));
    grantId = await storeGrant(stores, 'acme', connection);
  });

  async function lease(owner: string, forMs = leaseMs): Promise<LeasedGrant> {
    const leased = await stores.refreshes.acquire(grantId, owner, forMs);
    if (leased === undefined) throw new Error('the lease is taken');
    return leased;
  }
  const current = async () => (await stores.refreshes.find(grantId))?.grant;
  const save = (leased: LeasedGrant, owner: string, tokens = tokensUntil(minutesFromNow(60))) =>
    stores.refreshes.save(leased.grant, owner, tokens, anEvent(connection, grantId));
  const fail = (leased: LeasedGrant, owner: string, changes: Partial<RecordedFailure> = {}) =>
    stores.refreshes.fail(
      leased,
      owner,
      { ...failure, ...changes },
      { ...anEvent(connection, grantId), outcome: 'failure' },
    );

  async function auditLines(): Promise<number> {
    const client = new pg.Client({ connectionString: stores.url });
    await client.connect();
    try {
      const { rows } = await client.query<{ lines: number }>(
        'select count(*)::int as lines from audit_events where grant_id = $1',
        [grantId],
      );
      return rows[0]?.lines ?? -1;
    } finally {
      await client.end();
    }
  }

  test('of fifty who ask for the lease at once, one gets it', async () => {
    const taken = await Promise.all(
      Array.from({ length: 50 }, (_, i) => stores.refreshes.acquire(grantId, `owner-${i}`, leaseMs)),
    );
    const winners = taken.filter((leased) => leased !== undefined);
    expect(winners).toHaveLength(1);
    expect((await current())?.leaseOwner).toBe(winners[0]?.grant.leaseOwner);
  });

  test('a saved refresh stores its tokens at the next version with one line of audit, and gives the lease back', async () => {
    const leased = await lease('a');
    const tokens = tokensUntil(minutesFromNow(90));
    expect(await save(leased, 'a', tokens)).toBe(true);
    const grant = await current();
    expect(grant).toMatchObject({
      version: 2,
      status: 'completed',
      leaseOwner: null,
      leaseUntil: null,
      refreshStartedAt: null,
    });
    expect(Buffer.from(grant?.sealedTokens ?? [])).toEqual(tokens.sealed);
    expect(grant?.facts).toEqual(tokens.facts);
    expect(await auditLines()).toBe(1);
  });

  test('a newer token set is never overwritten by an older one, and nothing is recorded of the attempt', async () => {
    const leased = await lease('a');
    expect(await save(leased, 'a')).toBe(true);
    expect(await save(leased, 'a')).toBe(false);
    expect((await current())?.version).toBe(2);
    expect(await auditLines()).toBe(1);
  });

  test('a refresh saved after its lease went to another is kept, and leaves the other its lease', async () => {
    const slow = await lease('slow', -1);
    await lease('next');
    expect(await save(slow, 'slow')).toBe(true);
    expect(await current()).toMatchObject({ version: 2, leaseOwner: 'next' });
  });

  test('a lapsed lease with its mark still set tells the next holder that a call may have been answered and lost', async () => {
    expect((await lease('dead', -1)).interrupted).toBe(false);
    expect((await lease('next')).interrupted).toBe(true);
  });

  test('giving a lease up restores the mark as it was before', async () => {
    const leased = await lease('a');
    await stores.refreshes.release(leased, 'a');
    expect(await current()).toMatchObject({ leaseOwner: null, refreshStartedAt: null });

    await lease('dead', -1);
    const interrupted = await lease('b');
    await stores.refreshes.release(interrupted, 'b');
    expect((await current())?.refreshStartedAt).toEqual(interrupted.grant.refreshStartedAt);
    expect((await lease('c')).interrupted).toBe(true);
  });

  test('a lease is not given back by someone who no longer owns it', async () => {
    const slow = await lease('slow', -1);
    await lease('next');
    await stores.refreshes.release(slow, 'slow');
    expect((await current())?.leaseOwner).toBe('next');
  });

  test('a failure keeps tokens and version, counts up, and remembers since when', async () => {
    const before = await current();
    await fail(await lease('a'), 'a');
    const first = await current();
    await fail(await lease('b'), 'b', { keepIntent: true });
    const second = await current();
    expect(second).toMatchObject({ status: 'completed', version: 1, consecutiveFailures: 2, leaseOwner: null });
    expect(second?.sealedTokens).toEqual(before?.sealedTokens);
    expect(second?.failingSince).toEqual(first?.failingSince);
    expect(first?.refreshStartedAt).toBeNull();
    expect(second?.refreshStartedAt).not.toBeNull();
    expect((await lease('c')).interrupted).toBe(true);
  });

  test('a call that was held back counts as nothing; an answer of another kind begins the time of failing anew', async () => {
    await fail(await lease('a'), 'a', { run: 'stays' });
    expect(await current()).toMatchObject({ consecutiveFailures: 0, failingSince: null, retryAt: failure.retryAt });
    await fail(await lease('b'), 'b');
    const first = await current();
    await fail(await lease('c'), 'c', { run: 'stays' });
    expect(await current()).toMatchObject({ consecutiveFailures: 1, failingSince: first?.failingSince });
    const event = { ...anEvent(connection, grantId), time: minutesFromNow(5) };
    await stores.refreshes.fail(await lease('d'), 'd', { ...failure, run: 'restarts' }, event);
    expect(await current()).toMatchObject({ consecutiveFailures: 2, failingSince: event.time });
  });

  test('a failure of one whose lease went to another does not clear the mark of the other', async () => {
    const slow = await lease('slow', -1);
    const next = await lease('next');
    expect(await fail(slow, 'slow')).toBe(true);
    expect(await current()).toMatchObject({ leaseOwner: 'next', refreshStartedAt: expect.any(Date) });
    expect(await save(next, 'next')).toBe(true);
    expect(await current()).toMatchObject({ consecutiveFailures: 0, failingSince: null, retryAt: null });
  });

  test('a grant revoked while its refresh is under way does not come back, and its lease is not left behind', async () => {
    const leased = await lease('a');
    await stores.database.write('acme', ({ grants }) =>
      grants.revoke(grantId, { by: 'bootstrap', reason: 'left', now: new Date() }),
    );
    expect((await current())?.leaseOwner).toBe('a');
    expect(await save(leased, 'a')).toBe(false);
    expect(await current()).toMatchObject({
      status: 'failed',
      statusReason: 'revoked',
      sealedTokens: null,
      facts: null,
      version: 2,
      leaseOwner: null,
    });
  });

  test('a grant deleted while its refresh is under way does not come back', async () => {
    const leased = await lease('a');
    expect(await stores.database.write('acme', ({ grants }) => grants.delete(grantId))).toBe(true);
    expect(await save(leased, 'a')).toBe(false);
    expect(await fail(leased, 'a')).toBe(false);
    expect(await current()).toBeUndefined();
  });

  test('tokens imported while a refresh is under way are not overwritten by it', async () => {
    const leased = await lease('a');
    const arrival = anArrival(connection);
    await stores.database.write('acme', ({ grants }) => grants.replace(grantId, arrival));
    expect((await current())?.leaseOwner).toBe('a');
    expect(await save(leased, 'a')).toBe(false);
    expect(Buffer.from((await current())?.sealedTokens ?? [])).toEqual(arrival.tokens.sealed);
  });

  test('a refresh leaves an edit of the connection made meanwhile as it is', async () => {
    const leased = await lease('a');
    await stores.database.write('acme', async ({ connections }) => {
      const held = await connections.lockOwn(connection.name);
      if (held === undefined) throw new Error('not there');
      await connections.update({ ...held, settings: { ...held.settings, description: 'edited' }, revision: 2 });
    });
    expect(await save(leased, 'a')).toBe(true);
    expect((await stores.refreshes.find(grantId))?.connection).toMatchObject({
      revision: 2,
      settings: { description: 'edited' },
    });
  });

  test('a rejected client condemns every working grant of the connection and no other', async () => {
    const other = await storeConnection(stores, aConnection('acme', `other-${sequence}`));
    const spared = await storeGrant(stores, 'acme', other);
    const second = await storeGrant(stores, 'acme', connection, { subject: 'ann' });
    await stores.refreshes.failAllOf(connection.id, 'client_rejected', 'The provider rejects this client.');
    for (const id of [grantId, second]) {
      expect((await stores.refreshes.find(id))?.grant).toMatchObject({
        status: 'failed',
        statusReason: 'client_rejected',
      });
    }
    expect((await stores.refreshes.find(spared))?.grant.status).toBe('completed');
  });

  test('a process voids the leases of its earlier incarnation and leaves their marks', async () => {
    await lease('instance-1/x');
    expect(await stores.refreshes.voidLeases('instance-10/')).toBe(0);
    expect(await stores.refreshes.voidLeases('instance-1/')).toBe(1);
    expect((await lease('instance-1/y')).interrupted).toBe(true);
  });

  test('an id that is none is the id of nothing', async () => {
    expect(await stores.refreshes.find('no-uuid')).toBeUndefined();
    expect(await stores.refreshes.acquire('no-uuid', 'a', leaseMs)).toBeUndefined();
  });
});
