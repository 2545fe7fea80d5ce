import { afterAll, beforeAll, expect, test } from 'vitest';
import { aConnection } from '../../../support/builders/connection.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

const leaseMs = 45_000;

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores.end());

test('a process voids the leases of its earlier incarnation and keeps their intents', async () => {
  const connection = await storeConnection(stores, aConnection('acme', 'crm'));
  const grantId = await storeGrant(stores, 'acme', connection);
  await stores.refreshes.acquire(grantId, 'instance-1/x', leaseMs);
  expect(await stores.refreshes.voidLeases('instance-10/')).toBe(0);
  expect(await stores.refreshes.voidLeases('instance-1/')).toBe(1);
  expect(await stores.refreshes.acquire(grantId, 'instance-1/y', leaseMs)).toMatchObject({
    interrupted: true,
    lapsed: false,
  });
});
