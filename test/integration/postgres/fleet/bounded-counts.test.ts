import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Reach } from '../../../../src/domain/callers/caller.ts';
import { createKysely } from '../../../../src/postgres/database.ts';
import { createPool } from '../../../../src/postgres/driver/pool.ts';
import { createStatsReader } from '../../../../src/postgres/fleet/stats.ts';
import { seedFleet } from '../../../support/postgres/seed-fleet.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let stores: TestStores;
let pool: ReturnType<typeof createPool>;
beforeAll(async () => {
  stores = await openTestStores();
  await seedFleet(stores.url, { organizations: 6, grants: 1_000 });
  pool = createPool({ connectionString: stores.url, poolMax: 1, onError: () => {} });
});
afterAll(async () => {
  await pool?.end();
  await stores?.end();
});

const everything: Reach = { organizations: '*', global: true };
const reaches: Reach[] = [everything, { organizations: '*', global: false }, { organizations: ['big'], global: false }];
// Everything with a date ends within these.
const periods = { dueMs: 1e12, expiryWarningMs: 1e12 };
const readerOf = (most: number) => createStatsReader({ db: createKysely(pool), most, mostLookedUp: most });

test.each(reaches)('a count that stops says so, and is a lower bound: %j', async (reach) => {
  const exact = await readerOf(1_000_000).readStats(reach, periods);
  for (const most of [1, 10, 100, 300, 500, 5_000]) {
    const stats = await readerOf(most).readStats(reach, periods);
    for (const measure of ['dueSoon', 'failing', 'refreshTokensExpiring'] as const) {
      const { count, isComplete } = stats[measure];
      expect(exact[measure].isComplete).toBe(true);
      if (isComplete) expect(count).toBe(exact[measure].count);
      else expect(count).toBeLessThanOrEqual(exact[measure].count);
      if (exact[measure].count > most) expect(isComplete).toBe(false);
    }
    expect(stats.counts).toEqual(exact.counts);
  }
});

test('a caller whose grants are few gets exact counts, however many others are due', async () => {
  const small: Reach = { organizations: ['org-3'], global: false };
  const exact = await readerOf(1_000_000).readStats(small, periods);
  const stats = await readerOf(120).readStats(small, periods);
  expect(stats.dueSoon).toEqual(exact.dueSoon);
  expect(stats.dueSoon.isComplete).toBe(true);
});

test('the grants of a connection are counted up to the bound', async () => {
  const { records } = await stores.fleet.listConnections({ reach: everything, organizationId: 'big' }, { limit: 1 });
  const id = records[0]?.connection.id ?? '';
  expect(await readerOf(1_000).countGrantsOf(id, everything)).toMatchObject({ isComplete: true });
  expect(await readerOf(10).countGrantsOf(id, everything)).toMatchObject({ isComplete: false });
});
