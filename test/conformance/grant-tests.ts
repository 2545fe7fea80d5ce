import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aConnection } from '../support/builders/connection.ts';
import { minutesFromNow } from '../support/builders/grant.ts';
import { storeConnection, storeGrant } from '../support/builders/stored.ts';
import type { OpenedStores, OpenStores } from './stores.ts';

/** Tests of a grant's token that are recorded with the grant. */
export function describeGrantTests(open: OpenStores): void {
  describe('GrantWriter, tests of a grant', () => {
    let stores: OpenedStores;
    let sequence = 0;

    beforeAll(async () => {
      stores = await open();
    });
    afterAll(() => stores.end());

    async function record(accountId: string | null, account: string | null | undefined, wasVerified = false) {
      const connection = await storeConnection(stores, aConnection('acme', `tests-${++sequence}`));
      const named = accountId === null ? {} : { accountId };
      const id = await storeGrant(stores, 'acme', connection, { ...named, accountVerified: wasVerified });
      const at = minutesFromNow(1);
      const result = {
        at,
        health: 'unhealthy',
        error: 'rejected: 401',
        ...(account !== undefined && { account }),
      } as const;
      await stores.database.write('acme', ({ grants }) => grants.recordTest(id, result));
      return { at, grant: await stores.database.read('acme').grants.find(connection.id, id) };
    }

    test('records a test without raising the version', async () => {
      const { at, grant } = await record(null, undefined);
      const health = { lastTestAt: at, health: 'unhealthy', healthError: 'rejected: 401' };
      expect(grant).toMatchObject({ status: 'completed', version: 1, ...health });
    });

    test.each([
      { accountId: 'A', account: 'A', wasVerified: false, accountVerified: true },
      { accountId: 'A', account: 'B', wasVerified: false, accountVerified: false },
      { accountId: 'A', account: null, wasVerified: false, accountVerified: false },
      { accountId: null, account: 'A', wasVerified: false, accountVerified: false },
      { accountId: null, account: null, wasVerified: false, accountVerified: false },
      { accountId: 'A', account: null, wasVerified: true, accountVerified: true },
    ])('the account $accountId is verified if the probe names it: $account', async (one) => {
      const { grant } = await record(one.accountId, one.account, one.wasVerified);
      expect(grant).toMatchObject({ accountId: one.accountId, accountVerified: one.accountVerified });
    });
  });
}
