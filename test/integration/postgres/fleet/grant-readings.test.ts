import type pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { createReadGrantReadings } from '../../../../src/postgres/fleet/grant-readings.ts';
import { aConnection } from '../../../support/builders/connection.ts';
import { minutesFromNow, tokensUntil } from '../../../support/builders/grant.ts';
import { storeConnection, storeGrant } from '../../../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let pool: pg.Pool;
beforeEach(async () => {
  stores = await openTestStores();
  pool = createPool({ connectionString: stores.url, poolMax: 1, onError: () => {} });
});
afterEach(async () => {
  await pool.end();
  await stores.end();
});

const read = () => createReadGrantReadings({ db: createKysely(pool) })();

test('grants are counted by status and reason, and by who must act', async () => {
  const connection = await storeConnection(stores, aConnection('acme', 'counted'));
  const own = await storeConnection(stores, aConnection('acme', 'own', { flow: 'client_credentials' }));
  const add = async (to: typeof connection, subject: string, change = '') => {
    const id = await storeGrant(stores, 'acme', to, { subject, tokens: tokensUntil(minutesFromNow(60)) });
    if (change !== '') await pool.query(`update grants set ${change} where id = $1`, [id]);
  };
  await add(connection, 'works');
  await add(connection, 'works too');
  await add(connection, 'person', "status = 'failed', status_reason = 'reauthorization_required'");
  await add(connection, 'administrator', "status = 'failed', status_reason = 'client_rejected'");
  await add(connection, 'retried', "status = 'failed', status_reason = 'provider_rejected', retry_at = now()");
  await add(own, 'client', "status = 'failed', status_reason = 'reauthorization_required'");
  const counts = await read();
  expect(new Set(counts.byStatus)).toEqual(
    new Set([
      { status: 'completed', reason: null, count: 2 },
      { status: 'failed', reason: 'reauthorization_required', count: 2 },
      { status: 'failed', reason: 'client_rejected', count: 1 },
      { status: 'failed', reason: 'provider_rejected', count: 1 },
    ]),
  );
  expect(counts.needingPerson).toBe(1);
});

test('counts are complete with and without changes that are not folded yet, and zero is a count', async () => {
  expect(await read()).toEqual({ byStatus: [], needingPerson: 0 });
  const connection = await storeConnection(stores, aConnection(null, 'shared'));
  const add = async (subject: string, organization: string | null) =>
    storeGrant(stores, organization, connection, { subject, tokens: tokensUntil(minutesFromNow(60)) });
  for (const subject of ['a', 'b', 'c']) await add(subject, null);
  await stores.fleet.fold();
  for (const subject of ['d', 'e']) await add(subject, 'acme');
  expect(await read()).toEqual({ byStatus: [{ status: 'completed', reason: null, count: 5 }], needingPerson: 0 });
});
