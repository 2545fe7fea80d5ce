import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/domain/connections/connection.ts';
import type { LeasedGrant, RecordedFailure } from '../../src/domain/ports/engine.ts';
import { aConnection } from '../support/builders/connection.ts';
import { anArrival, minutesFromNow, tokensUntil } from '../support/builders/grant.ts';
import { anEvent } from '../support/builders/refreshed.ts';
import { grantsOf, storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

const leaseMs = 45_000;
const failure = { failed: null, message: 'No response.', retryAt: minutesFromNow(1), keepIntent: false };

/** Leases and writes by version; see refresh-failures.ts for failures. */
export function describeRefreshes(open: OpenStores): void {
  describe('RefreshStore', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let grantId: string;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
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
      stores.refreshes.fail(leased, owner, { ...failure, ...changes }, anEvent(connection, grantId));

    test('finds a grant of any organisation with its connection', async () => {
      const [grant] = await grantsOf(stores.database.read('acme').grants, connection.id);
      expect(await stores.refreshes.find(grantId)).toEqual({ grant, connection });
      expect(await stores.refreshes.find(connection.id)).toBeUndefined();
      expect(await stores.refreshes.find('no-uuid')).toBeUndefined();
    });

    test('a reported token is named by its version until a new token set replaces it', async () => {
      const isReported = async () => {
        const grant = await current();
        return grant !== undefined && grant.reportedVersion === grant.version;
      };
      const leased = await lease('a');
      await stores.refreshes.reportToken({ id: grantId, version: leased.grant.version + 1 });
      expect(await isReported()).toBe(false);
      await stores.refreshes.reportToken(leased.grant);
      expect(await isReported()).toBe(true);
      await fail(leased, 'a');
      expect(await isReported()).toBe(true);
      await save(await lease('b'), 'b');
      expect(await isReported()).toBe(false);
    });

    test('a refresh that gives a short-lived token keeps the longest lifetime', async () => {
      const lifetimes = [
        [7200, 7200],
        [8, 7200],
        [null, 7200],
      ] as const;
      for (const [lifetimeSeconds, longestLifetimeSeconds] of lifetimes) {
        await save(await lease('a'), 'a', tokensUntil(minutesFromNow(1), { lifetimeSeconds }));
        expect(await current()).toMatchObject({ longestLifetimeSeconds, metadata: { lifetimeSeconds } });
      }
    });

    test('of fifty owners that acquire a lease at once exactly one gets it', async () => {
      const results = await Promise.all(
        Array.from({ length: 50 }, (_, i) => stores.refreshes.acquire(grantId, `owner-${i}`, leaseMs)),
      );
      const leases = results.filter((leased) => leased !== undefined);
      expect(leases).toHaveLength(1);
      expect((await current())?.leaseOwner).toBe(leases[0]?.grant.leaseOwner);
    });

    test('acquires nothing, and writes nothing, of a grant that is gone or has another version', async () => {
      expect(await stores.refreshes.acquire(connection.id, 'a', leaseMs)).toBeUndefined();
      expect(await stores.refreshes.acquire('no-uuid', 'a', leaseMs)).toBeUndefined();
      expect(await stores.refreshes.acquire(grantId, 'a', leaseMs, 2)).toBeUndefined();
      expect(await current()).toMatchObject({ leaseOwner: null, refreshStartedAt: null });
      expect(await stores.refreshes.acquire(grantId, 'a', leaseMs, 1)).toMatchObject({ interrupted: false });
    });

    test('a leased grant is the stored one, with the mark as the store found it', async () => {
      const leased = await lease('a');
      const grant = await current();
      expect(grant?.refreshStartedAt).not.toBeNull();
      expect(leased).toEqual({
        grant: { ...grant, refreshStartedAt: null },
        connection,
        clientPaused: false,
        interrupted: false,
        lapsed: false,
      });
    });

    test('a saved refresh stores its tokens at the next version with one audit event, and ends the lease', async () => {
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
        metadata: tokens.metadata,
      });
      expect(grant?.sealedTokens).toEqual(tokens.sealed);
      expect(await stores.auditOf(grantId)).toMatchObject([{ action: 'grant.refreshed', outcome: 'success' }]);
    });

    test('never overwrites a newer token set with an older one, and records no such attempt', async () => {
      const leased = await lease('a');
      expect(await save(leased, 'a')).toBe(true);
      expect(await save(leased, 'a')).toBe(false);
      expect((await current())?.version).toBe(2);
      expect(await stores.auditOf(grantId)).toHaveLength(1);
    });

    test('saves a refresh after its lease went to another owner, which keeps the lease', async () => {
      const slow = await lease('slow', -1);
      await lease('next');
      expect(await save(slow, 'slow')).toBe(true);
      expect(await current()).toMatchObject({ version: 2, leaseOwner: 'next' });
    });

    test('the owner after a lapsed lease learns that a call may have been answered and its tokens lost', async () => {
      expect(await lease('killed', -1)).toMatchObject({ interrupted: false, lapsed: false });
      expect(await lease('next')).toMatchObject({ interrupted: true, lapsed: true });
    });

    test('a release restores the mark as the owner found it', async () => {
      await stores.refreshes.release(await lease('a'), 'a');
      expect(await current()).toMatchObject({ leaseOwner: null, leaseUntil: null, refreshStartedAt: null });
      await lease('killed', -1);
      const interrupted = await lease('b');
      await stores.refreshes.release(interrupted, 'b');
      expect((await current())?.refreshStartedAt).toEqual(interrupted.grant.refreshStartedAt);
      expect(await lease('c')).toMatchObject({ interrupted: true, lapsed: false });
    });

    test('a release after new tokens arrived leaves no mark: the token that may be spent is no longer in use', async () => {
      await lease('killed', -1);
      const interrupted = await lease('b');
      await stores.database.write('acme', ({ grants }) => grants.replace(grantId, anArrival(connection)));
      await stores.refreshes.release(interrupted, 'b');
      expect(await current()).toMatchObject({ leaseOwner: null, refreshStartedAt: null });
    });

    test('an owner that lost its lease does not release it', async () => {
      const slow = await lease('slow', -1);
      await lease('next');
      await stores.refreshes.release(slow, 'slow');
      expect((await current())?.leaseOwner).toBe('next');
    });

    test('a grant revoked during its refresh stays revoked, and the lease ends', async () => {
      const leased = await lease('a');
      await stores.database.write('acme', ({ grants }) =>
        grants.revoke(grantId, { by: 'bootstrap', reason: 'left', now: new Date() }),
      );
      expect(await save(leased, 'a')).toBe(false);
      expect(await current()).toMatchObject({
        status: 'failed',
        statusReason: 'revoked',
        sealedTokens: null,
        metadata: null,
        version: 2,
        leaseOwner: null,
      });
    });

    test('a grant deleted during its refresh stays deleted', async () => {
      const leased = await lease('a');
      await stores.database.write('acme', ({ grants }) => grants.delete(grantId));
      expect(await save(leased, 'a')).toBe(false);
      expect(await fail(leased, 'a')).toBe(false);
      expect(await current()).toBeUndefined();
    });

    test('a refresh does not overwrite tokens imported meanwhile', async () => {
      const leased = await lease('a');
      const arrival = anArrival(connection);
      await stores.database.write('acme', ({ grants }) => grants.replace(grantId, arrival));
      expect((await current())?.leaseOwner).toBe('a');
      expect(await save(leased, 'a')).toBe(false);
      expect((await current())?.sealedTokens).toEqual(arrival.tokens.sealed);
    });

    test('a refresh keeps an edit of the connection made meanwhile', async () => {
      const leased = await lease('a');
      const edited = { ...connection, settings: { ...connection.settings, description: 'edited' }, revision: 2 };
      await stores.database.write('acme', ({ connections }) => connections.update(edited));
      expect(await save(leased, 'a')).toBe(true);
      expect((await stores.refreshes.find(grantId))?.connection).toEqual(edited);
    });

    test('counts refreshes on demand up to the limit, then tells how long to wait', async () => {
      const limit = { most: 2, withinMs: 60_000 };
      await lease('a');
      expect(await stores.refreshes.countOnDemand(grantId, limit)).toBeUndefined();
      expect(await stores.refreshes.countOnDemand(grantId, limit)).toBeUndefined();
      const waitMs = await stores.refreshes.countOnDemand(grantId, limit);
      expect(waitMs).toBeGreaterThan(30_000);
      expect(waitMs).toBeLessThanOrEqual(limit.withinMs);
      expect(await stores.refreshes.countOnDemand(grantId, { ...limit, most: 3 })).toBeUndefined();
    });
  });
}
