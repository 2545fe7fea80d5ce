import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/domain/connections/connection.ts';
import { clientPauseRule } from '../../src/domain/grants/client-pause.ts';
import type { LeasedGrant, RecordedFailure } from '../../src/domain/ports/engine.ts';
import { aConnection } from '../support/builders/connection.ts';
import { minutesFromNow, tokensUntil } from '../support/builders/grant.ts';
import { anEvent } from '../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

const failure = { failed: null, message: 'No response.', retryAt: minutesFromNow(1), keepIntent: false };

export function describeRefreshFailures(open: OpenStores): void {
  describe('RefreshStore, failures', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let grantId: string;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      connection = await storeConnection(stores, aConnection('acme', `failure-${++sequence}`));
      grantId = await storeGrant(stores, 'acme', connection);
    });

    async function lease(owner: string, forMs = 45_000): Promise<LeasedGrant> {
      const leased = await stores.refreshes.acquire(grantId, owner, forMs);
      if (leased === undefined) throw new Error('the lease is taken');
      return leased;
    }
    const current = async () => (await stores.refreshes.find(grantId))?.grant;
    const fail = (leased: LeasedGrant, owner: string, changes: Partial<RecordedFailure> = {}, time = new Date()) =>
      stores.refreshes.fail(
        leased,
        owner,
        { ...failure, ...changes },
        { ...anEvent(connection, grantId), outcome: 'failure', time },
      );

    test('a failure keeps tokens and version, counts up, and keeps the time of the first', async () => {
      const before = await current();
      await fail(await lease('a'), 'a');
      const first = await current();
      await fail(await lease('b'), 'b', { keepIntent: true }, minutesFromNow(1));
      const second = await current();
      expect(second).toMatchObject({ status: 'completed', version: 1, consecutiveFailures: 2, leaseOwner: null });
      expect(second?.sealedTokens).toEqual(before?.sealedTokens);
      expect(second?.failingSince).toEqual(first?.failingSince);
      expect(second?.retryAt).toEqual(failure.retryAt);
      expect(await stores.auditOf(grantId)).toMatchObject([{ outcome: 'failure' }, { outcome: 'failure' }]);
    });

    test('a failure that keeps the intent marks the next lease as interrupted', async () => {
      await fail(await lease('a'), 'a');
      expect((await current())?.refreshStartedAt).toBeNull();
      await fail(await lease('b'), 'b', { keepIntent: true });
      expect((await current())?.refreshStartedAt).not.toBeNull();
      expect(await lease('c')).toMatchObject({ interrupted: true, lapsed: false });
    });

    test('a failure with a reason fails the grant', async () => {
      const leased = await lease('a');
      expect(await fail(leased, 'a', { failed: 'provider_rejected', message: 'No.', retryAt: null })).toBe(true);
      expect(await current()).toMatchObject({
        status: 'failed',
        statusReason: 'provider_rejected',
        statusMessage: 'No.',
        retryAt: null,
      });
    });

    test('a run that stays counts nothing; one that restarts begins the time of failing anew', async () => {
      await fail(await lease('a'), 'a', { run: 'stays' });
      expect(await current()).toMatchObject({ consecutiveFailures: 0, failingSince: null, retryAt: failure.retryAt });
      await fail(await lease('b'), 'b');
      const first = await current();
      await fail(await lease('c'), 'c', { run: 'stays' });
      expect(await current()).toMatchObject({ consecutiveFailures: 1, failingSince: first?.failingSince });
      const time = minutesFromNow(5);
      await fail(await lease('d'), 'd', { run: 'restarts' }, time);
      expect(await current()).toMatchObject({ consecutiveFailures: 2, failingSince: time });
    });

    test('a failure that continues a run counts from the time and number of the run, not from those of the row', async () => {
      const failingSince = minutesFromNow(-600);
      await fail(await lease('a'), 'a', { continues: { consecutiveFailures: 7, failingSince } });
      expect(await current()).toMatchObject({ consecutiveFailures: 8, failingSince });
      const time = minutesFromNow(5);
      await fail(await lease('b'), 'b', { continues: { consecutiveFailures: 0, failingSince: null } }, time);
      expect(await current()).toMatchObject({ consecutiveFailures: 1, failingSince: time });
    });

    test('the failure of an owner that lost its lease keeps the mark of the next owner', async () => {
      const slow = await lease('slow', -1);
      await lease('next');
      expect(await fail(slow, 'slow')).toBe(true);
      expect(await current()).toMatchObject({ leaseOwner: 'next', refreshStartedAt: expect.any(Date) });
    });

    test('a failure of a version that moved is not recorded', async () => {
      const leased = await lease('a');
      await stores.refreshes.save(leased.grant, 'a', tokensUntil(null), anEvent(connection, grantId));
      expect(await fail(leased, 'a', { failed: 'provider_rejected' })).toBe(false);
      expect(await current()).toMatchObject({ status: 'completed', consecutiveFailures: 0 });
      expect(await stores.auditOf(grantId)).toHaveLength(1);
    });

    test('a saved refresh clears earlier failures', async () => {
      await fail(await lease('a'), 'a', { failed: 'provider_rejected', keepIntent: true });
      const { grant } = await lease('b');
      await stores.refreshes.save(grant, 'b', tokensUntil(null), anEvent(connection, grantId));
      expect(await current()).toMatchObject({
        status: 'completed',
        statusReason: null,
        statusMessage: null,
        consecutiveFailures: 0,
        failingSince: null,
        retryAt: null,
        refreshStartedAt: null,
      });
    });

    test('the last error is kept with the grant until a refresh is saved; a failure without one keeps it', async () => {
      const error = {
        class: 'unknown' as const,
        error: 'odd',
        errorDescription: 'An "odd" error: \\ ü.',
        httpStatus: 418,
        at: new Date('2026-01-01T12:00:00.123Z'),
        attempts: 3,
      };
      expect((await current())?.lastError).toBeNull();
      await fail(await lease('a'), 'a', { error });
      expect((await current())?.lastError).toEqual(error);
      await fail(await lease('b'), 'b', { run: 'stays' });
      expect((await current())?.lastError).toEqual(error);
      const { grant } = await lease('c');
      await stores.refreshes.save(grant, 'c', tokensUntil(null), anEvent(connection, grantId));
      expect((await current())?.lastError).toBeNull();
    });

    test('a failure changes the grant that saw it and no other row', async () => {
      const others = await Promise.all([
        storeGrant(stores, 'acme', connection, { subject: 'ann' }),
        storeGrant(stores, 'other', connection),
      ]);
      const rowsOf = () => Promise.all(others.map(async (id) => stores.refreshes.find(id)));
      const before = await rowsOf();
      await fail(await lease('a'), 'a', { failed: 'client_rejected', message: 'No.', retryAt: null });
      await stores.refreshes.countClientRefusal({ id: grantId, connectionId: connection.id }, clientPauseRule);
      expect(await rowsOf()).toEqual(before);
      expect(await stores.database.read('acme').connections.findOwn(connection.name)).toMatchObject({ connection });
    });
  });
}
