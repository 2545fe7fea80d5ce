import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../src/domain/connections/connection.ts';
import type { TransactionStores } from '../../src/domain/ports/stores.ts';
import { aConnection } from '../support/builders/connection.ts';
import { anArrival, minutesFromNow } from '../support/builders/grant.ts';
import { anEvent } from '../support/builders/refreshed.ts';
import { storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

/** The writes of GrantWriter that reach the grants of every organisation below one connection. */
export function describeGrantsOfConnection(open: OpenStores): void {
  describe('GrantWriter, grants of a connection', () => {
    let stores: OpenedStores;
    let connection: Connection;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());
    beforeEach(async () => {
      connection = await storeConnection(stores, aConnection('acme', `below-${++sequence}`));
    });

    const write = <T>(work: (stores: TransactionStores) => Promise<T>) => stores.database.write('acme', work);
    const grantOf = async (id: string) => (await stores.refreshes.find(id))?.grant;

    test('slots follow their connection to many accounts and back', async () => {
      await storeGrant(stores, 'acme', connection, { accountId: 'A' });
      const keyBy = async (multiAccount: boolean) => {
        connection = { ...connection, settings: { ...connection.settings, multiAccount } };
        await write(async (all) => {
          await all.grants.setMultiAccount(connection.id, multiAccount);
          await all.connections.update(connection);
        });
      };
      const insert = (accountId: string) =>
        write((all) => all.grants.insert(v7(), anArrival(connection, { accountId })));
      await keyBy(true);
      expect(await insert('A')).toBe(false);
      expect(await insert('B')).toBe(true);
      expect(await write((all) => all.grants.maxAccountsPerSubject(connection.id))).toBe(2);
      await write(async (all) => {
        const [, second] = await all.grants.lockMatching(connection.id, null, null);
        await all.grants.delete(second?.id ?? '');
      });
      await keyBy(false);
      expect(await insert('C')).toBe(false);
    });

    test('counts accounts for each organisation and subject apart', async () => {
      connection = await storeConnection(stores, aConnection('acme', `many-${sequence}`, { multiAccount: true }));
      expect(await write((all) => all.grants.maxAccountsPerSubject(connection.id))).toBe(0);
      await storeGrant(stores, 'acme', connection, { accountId: 'A' });
      await storeGrant(stores, 'acme', connection, { subject: 'ann', accountId: 'B' });
      await storeGrant(stores, 'other', connection, { accountId: 'C' });
      expect(await write((all) => all.grants.maxAccountsPerSubject(connection.id))).toBe(1);
    });

    test('lists the grants with tokens of every organisation, in order of id', async () => {
      const ids = [
        await storeGrant(stores, 'acme', connection),
        await storeGrant(stores, 'other', connection, { subject: 'ann' }),
      ];
      const revoked = await storeGrant(stores, 'acme', connection, { subject: 'bob' });
      await write((all) => all.grants.revoke(revoked, { by: 'a', reason: null, now: new Date() }));
      const listed = await write((all) => all.grants.listAllOf(connection.id));
      expect(listed.map(({ id }) => id)).toEqual(ids.toSorted());
      expect(listed.map(({ organizationId }) => organizationId).toSorted()).toEqual(['acme', 'other']);
      expect(Object.keys(listed[0] ?? {}).toSorted()).toEqual(['id', 'organizationId', 'origins', 'sealedTokens']);
    });

    test('a dropped grant has no tokens, a raised version and no failure', async () => {
      const ids = [
        await storeGrant(stores, 'acme', connection),
        await storeGrant(stores, 'other', connection, { subject: 'ann' }),
      ];
      await stores.database.write('other', ({ grants }) =>
        grants.revoke(ids[1] ?? '', { by: 'a', reason: 'left', now: new Date() }),
      );
      const now = new Date();
      expect(await write((all) => all.grants.dropAllOf(connection.id, now))).toBe(2);
      for (const [index, id] of ids.entries()) {
        expect(await grantOf(id)).toMatchObject({
          status: 'not_connected',
          statusReason: 'configuration_changed',
          statusMessage: null,
          sealedTokens: null,
          metadata: null,
          version: 2 + index,
          consecutiveFailures: 0,
          failingSince: null,
          retryAt: null,
          refreshStartedAt: null,
          revokedAt: null,
          revokedBy: null,
          revokedReason: null,
          updatedAt: now,
        });
      }
    });

    test('lifting a client rejection restores grants with tokens, retries those without, keeps other failures', async () => {
      const working = await storeGrant(stores, 'other', connection);
      const revoked = await storeGrant(stores, 'acme', connection, { subject: 'ann' });
      const refused = await storeGrant(stores, 'acme', connection, { subject: 'eve' });
      for (const [id, failed] of [
        [working, 'client_rejected'],
        [refused, null],
      ] as const) {
        const leased = await stores.refreshes.acquire(id, 'a', 1000);
        if (leased === undefined) throw new Error('the lease is taken');
        const error = { class: 'client' as const, error: 'invalid_client', errorDescription: null, httpStatus: 401 };
        const failure = { failed, message: 'No.', retryAt: minutesFromNow(60), keepIntent: false };
        await stores.refreshes.fail(
          leased,
          'a',
          { ...failure, error: { ...error, at: new Date(), attempts: 4 } },
          anEvent(connection, id),
        );
      }
      await write((all) => all.grants.revoke(revoked, { by: 'a', reason: null, now: new Date() }));
      const bare = v7();
      const now = new Date();
      const slot = { connectionId: connection.id, subject: 'bob', accountId: null };
      await write((all) =>
        all.grants.putFailed(bare, slot, {
          reason: 'client_rejected',
          message: 'No.',
          retryAt: null,
          origins: { testUrl: null, revocationUrl: null },
          now,
        }),
      );
      await write((all) => all.grants.liftClientRejection(connection.id, now));
      const restored = { status: 'completed', statusReason: null, statusMessage: null, retryAt: null, lastError: null };
      for (const id of [working, refused]) expect(await grantOf(id)).toMatchObject(restored);
      expect(await grantOf(revoked)).toMatchObject({ status: 'failed', statusReason: 'revoked' });
      expect(await grantOf(bare)).toMatchObject({
        status: 'failed',
        statusReason: 'client_rejected',
        retryAt: now,
        consecutiveFailures: 0,
        failingSince: null,
      });
    });
  });
}
