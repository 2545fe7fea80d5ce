import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/domain/connections/connection.ts';
import { noOrigins } from '../../src/domain/connections/url-origins.ts';
import type { GrantFilter } from '../../src/domain/ports/grants.ts';
import type { TransactionStores } from '../../src/domain/ports/stores.ts';
import { aConnection } from '../support/builders/connection.ts';
import { anArrival, minutesFromNow, tokensUntil } from '../support/builders/grant.ts';
import { anEvent } from '../support/builders/refreshed.ts';
import { grantsOf, storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

const refused = { reason: 'exchange_failed', message: 'No.', retryAt: null, origins: noOrigins } as const;

/** GrantReader and GrantWriter, grant by grant; see grants-of-connection.ts for writes to every grant at once. */
export function describeGrants(open: OpenStores): void {
  describe('GrantWriter', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      connection = await storeConnection(stores, aConnection('acme', `grants-${++sequence}`));
    });

    const write = <T>(work: (stores: TransactionStores) => Promise<T>) => stores.database.write('acme', work);
    const read = () => stores.database.read('acme').grants;
    const only = async () => (await grantsOf(read(), connection.id))[0];
    const slot = (subject: string | null = null, accountId: string | null = null) => ({
      connectionId: connection.id,
      subject,
      accountId,
    });

    test('stores an arrival as a completed grant of version 1', async () => {
      const arrival = anArrival(connection, {
        subject: 'ann',
        accountId: 'A',
        accountName: 'Ann',
        accountVerified: true,
        testedAt: new Date(),
      });
      const id = v7();
      expect(await write((all) => all.grants.insert(id, arrival))).toBe(true);
      expect(await only()).toEqual({
        ...arrival.slot,
        id,
        organizationId: 'acme',
        accountName: 'Ann',
        accountVerified: true,
        origins: arrival.origins,
        status: 'completed',
        statusReason: null,
        statusMessage: null,
        sealedTokens: arrival.tokens.sealed,
        metadata: arrival.tokens.metadata,
        requestedScopes: ['read'],
        longestLifetimeSeconds: 3600,
        reportedVersion: null,
        version: 1,
        leaseOwner: null,
        leaseUntil: null,
        refreshStartedAt: null,
        consecutiveFailures: 0,
        failingSince: null,
        lastError: null,
        retryAt: null,
        lastRefreshAt: null,
        lastTestAt: arrival.testedAt,
        health: 'healthy',
        healthError: null,
        revokedAt: null,
        revokedBy: null,
        revokedReason: null,
        createdAt: arrival.now,
        updatedAt: arrival.now,
      });
    });

    test('of two transactions that fill an empty slot at once, exactly one inserts', async () => {
      const results = await Promise.all(
        [1, 2].map(() => write((all) => all.grants.insert(v7(), anArrival(connection)))),
      );
      expect(results.sort()).toEqual([false, true]);
      expect(await grantsOf(read(), connection.id)).toHaveLength(1);
    });

    test('the account is not part of the slot of a connection with one account', async () => {
      expect(await write((all) => all.grants.insert(v7(), anArrival(connection, { accountId: 'A' })))).toBe(true);
      expect(await write((all) => all.grants.insert(v7(), anArrival(connection, { accountId: 'B' })))).toBe(false);
      expect((await write((all) => all.grants.lockSlot(slot(null, 'B'))))?.accountId).toBe('A');
      expect(await write((all) => all.grants.lockSlot(slot('ann', 'A')))).toBeUndefined();
    });

    test('the account is part of the slot of a connection with many accounts', async () => {
      connection = await storeConnection(stores, aConnection('acme', `many-${sequence}`, { multiAccount: true }));
      for (const accountId of ['A', 'B']) await storeGrant(stores, 'acme', connection, { accountId });
      expect(await grantsOf(read(), connection.id)).toHaveLength(2);
      expect((await write((all) => all.grants.lockSlot(slot(null, 'B'))))?.accountId).toBe('B');
      expect(await write((all) => all.grants.lockSlot(slot()))).toBeUndefined();
      expect(await read().findSlot(slot())).toBeUndefined();
      expect((await read().findSlot(slot(null, 'A')))?.accountId).toBe('A');
      expect(await write((all) => all.grants.lockMatching(connection.id, null, null))).toHaveLength(2);
      expect(await write((all) => all.grants.lockMatching(connection.id, null, 'B'))).toHaveLength(1);
    });

    test('finds the only grant of a subject whatever its account, and lists in order of creation', async () => {
      connection = await storeConnection(stores, aConnection('acme', `order-${sequence}`, { multiAccount: true }));
      const at = (minutes: number) => ({ now: minutesFromNow(minutes) });
      const second = await storeGrant(stores, 'acme', connection, { subject: 'bob', accountId: 'B', ...at(-1) });
      const first = await storeGrant(stores, 'acme', connection, { subject: 'ann', accountId: 'A', ...at(-2) });
      expect((await grantsOf(read(), connection.id)).map(({ id }) => id)).toEqual([first, second]);
      expect((await read().findSlot(slot('bob')))?.id).toBe(second);
      expect(await read().findSlot(slot('eve'))).toBeUndefined();
    });

    test('finds a grant by id below its connection only', async () => {
      const id = await storeGrant(stores, 'acme', connection);
      const other = await storeConnection(stores, aConnection('acme', `other-${sequence}`));
      expect((await read().find(connection.id, id))?.id).toBe(id);
      expect(await read().find(other.id, id)).toBeUndefined();
      expect(await read().find(connection.id, v7())).toBeUndefined();
      expect(await read().find(connection.id, 'no-uuid')).toBeUndefined();
      expect(await stores.database.read('other').grants.find(connection.id, id)).toBeUndefined();
    });

    test('finds the grants of a subject in order of account, and no more than asked for', async () => {
      connection = await storeConnection(stores, aConnection('acme', `few-${sequence}`, { multiAccount: true }));
      const ids = new Map<string, string>();
      for (const accountId of ['C', 'A', 'B']) {
        ids.set(accountId, await storeGrant(stores, 'acme', connection, { subject: 'ann', accountId }));
      }
      await storeGrant(stores, 'acme', connection, { subject: 'bob', accountId: 'A' });
      const find = async (accountId: string | null, limit = 9) =>
        (await read().findMatching(slot('ann', accountId), limit)).map(({ id }) => id);
      expect(await find(null)).toEqual(['A', 'B', 'C'].map((account) => ids.get(account)));
      expect(await find(null, 2)).toEqual(['A', 'B'].map((account) => ids.get(account)));
      expect(await find('B')).toEqual([ids.get('B')]);
      expect(await find('D')).toEqual([]);
      expect(await read().findMatching(slot(), 9)).toEqual([]);
    });

    test('pages hold every grant once, below every filter', async () => {
      const at = (minutes: number) => ({ now: minutesFromNow(minutes) });
      const stored = [];
      for (const [n, subject] of ['ann', 'bob', 'Anna'].entries()) {
        stored.push(await storeGrant(stores, 'acme', connection, { subject, accountName: `Name ${n}`, ...at(n) }));
      }
      const [ann, bob, anna] = stored;
      await write((all) => all.grants.revoke(bob ?? '', { by: 'a', reason: null, now: new Date() }));
      const pages = async (filter: Partial<GrantFilter>) => {
        const found: string[] = [];
        for (let next: string | null | undefined; next !== null; ) {
          const cursor = next === undefined ? {} : { cursor: next };
          const page = await read().list(connection.id, { limit: 1, ...filter, ...cursor });
          found.push(...page.grants.map(({ id }) => id));
          next = page.nextCursor;
        }
        return found;
      };
      expect(await pages({})).toEqual([ann, bob, anna]);
      expect(await pages({ limit: 2 })).toEqual([ann, bob, anna]);
      expect(await pages({ limit: 3 })).toEqual([ann, bob, anna]);
      expect(await pages({ q: 'ANN' })).toEqual([ann, anna]);
      expect(await pages({ q: 'name 1' })).toEqual([bob]);
      expect(await pages({ status: 'failed' })).toEqual([bob]);
      expect(await pages({ subject: 'ann' })).toEqual([ann]);
      expect(await pages({ subject: 'ann', status: 'failed' })).toEqual([]);
      await expect(read().list(connection.id, { limit: 1, cursor: 'x' })).rejects.toMatchObject({
        code: 'invalid_request',
      });
    });

    test('new tokens clear failures, revocation and marks, and raise the version', async () => {
      const id = await storeGrant(stores, 'acme', connection);
      const leased = await stores.refreshes.acquire(id, 'a', 45_000);
      if (leased === undefined) throw new Error('the lease is taken');
      await stores.refreshes.fail(
        leased,
        'a',
        { failed: 'reauthorization_required', message: 'No.', retryAt: null, keepIntent: true },
        anEvent(connection, id),
      );
      await write((all) => all.grants.revoke(id, { by: 'a', reason: 'left', now: new Date() }));
      await write((all) => all.grants.replace(id, anArrival(connection, { accountName: 'Ann' })));
      expect(await only()).toMatchObject({
        version: 3,
        status: 'completed',
        statusReason: null,
        statusMessage: null,
        accountName: 'Ann',
        consecutiveFailures: 0,
        failingSince: null,
        refreshStartedAt: null,
        revokedAt: null,
        revokedBy: null,
        revokedReason: null,
      });
    });

    test('the longest lifetime of a grant grows with new tokens and never shrinks', async () => {
      const lifetimes: [stored: number | null, longest: number | null][] = [
        [null, null],
        [60, 60],
        [8, 60],
        [null, 60],
        [3600, 3600],
        [60, 3600],
      ];
      const of = (lifetimeSeconds: number | null) =>
        anArrival(connection, { tokens: tokensUntil(minutesFromNow(1), { lifetimeSeconds }) });
      const id = await storeGrant(stores, 'acme', connection, of(null));
      for (const [stored, longest] of lifetimes) {
        await write((all) => all.grants.replace(id, of(stored)));
        expect(await only()).toMatchObject({ longestLifetimeSeconds: longest, metadata: { lifetimeSeconds: stored } });
      }
    });

    test('a revocation takes the tokens, raises the version and leaves a running lease', async () => {
      const id = await storeGrant(stores, 'acme', connection);
      await stores.refreshes.acquire(id, 'a', 45_000);
      const now = new Date();
      await write((all) => all.grants.revoke(id, { by: 'bootstrap', reason: 'left', now }));
      expect(await only()).toMatchObject({
        status: 'failed',
        statusReason: 'revoked',
        statusMessage: null,
        sealedTokens: null,
        metadata: null,
        version: 2,
        leaseOwner: 'a',
        refreshStartedAt: null,
        revokedAt: now,
        revokedBy: 'bootstrap',
        revokedReason: 'left',
      });
    });

    test('a refusal of first tokens leaves one failed grant, however often it is repeated', async () => {
      const failure = { ...refused, retryAt: minutesFromNow(1), now: new Date() };
      const id = v7();
      await write((all) => all.grants.putFailed(id, slot(), failure));
      expect(await only()).toMatchObject({ id, version: 1, consecutiveFailures: 1, failingSince: failure.now });
      await write((all) => all.grants.putFailed(v7(), slot(), { ...failure, now: minutesFromNow(1) }));
      expect(await grantsOf(read(), connection.id)).toMatchObject([
        {
          id,
          status: 'failed',
          statusReason: 'exchange_failed',
          statusMessage: failure.message,
          metadata: null,
          retryAt: failure.retryAt,
          consecutiveFailures: 2,
          failingSince: failure.now,
        },
      ]);
    });

    test('a refusal of new tokens keeps those that work', async () => {
      const arrival = anArrival(connection, { origins: { testUrl: 'https://a.test', revocationUrl: null } });
      const id = v7();
      await write((all) => all.grants.insert(id, arrival));
      await write((all) => all.grants.putFailed(id, slot(), { ...refused, now: new Date() }));
      const grant = await only();
      expect(grant).toMatchObject({ id, status: 'failed', version: 1, origins: arrival.origins });
      expect(grant?.sealedTokens).toEqual(arrival.tokens.sealed);
    });

    test('deletes a grant once', async () => {
      const id = await storeGrant(stores, 'acme', connection);
      expect(await write((all) => all.grants.delete(id))).toBe(true);
      expect(await write((all) => all.grants.delete(id))).toBe(false);
      expect(await only()).toBeUndefined();
      expect(await write((all) => all.grants.insert(v7(), anArrival(connection)))).toBe(true);
    });

    test('an id that is not a UUID deletes nothing', async () => {
      expect(await write((all) => all.grants.delete('no-uuid'))).toBe(false);
    });
  });
}
