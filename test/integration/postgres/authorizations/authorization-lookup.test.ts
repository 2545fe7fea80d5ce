import { afterAll, beforeAll, expect, test } from 'vitest';
import { anAuthorization } from '../../../support/builders/authorization.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { minutesFromNow } from '../../../support/builders/grant.ts';
import { storeConnection } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
beforeAll(async () => {
  stores = await openTestStores();
});
afterAll(() => stores.end());

test('a purge deletes the authorizations that expired before the instant', async () => {
  const connection = await storeConnection(stores, aConnection('acme', 'crm'));
  const old = anAuthorization(connection, { expiresAt: minutesFromNow(-1500) });
  const recent = anAuthorization(connection, { expiresAt: minutesFromNow(-60) });
  await stores.database.write('acme', async ({ authorizations }) => {
    await authorizations.insert(old);
    await authorizations.insert(recent);
  });
  expect(await stores.authorizations.purge(minutesFromNow(-1440))).toBe(1);
  expect(await stores.authorizations.find(old.stateHash)).toBeUndefined();
  expect(await stores.authorizations.find(recent.stateHash)).toBeDefined();
});
