import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readInstallationId } from '../../../../src/postgres/maintenance/installation.ts';
import { openTestStores, type TestStores } from '../../../support/postgres/stores.ts';

let one: TestStores;
let other: TestStores;
beforeEach(async () => {
  [one, other] = await Promise.all([openTestStores(), openTestStores()]);
});
afterEach(async () => {
  await Promise.all([one.end(), other.end()]);
});

test('processes that start at once read the same id, and another database has another one', async () => {
  const pools = Array.from({ length: 8 }, () => new pg.Pool({ connectionString: one.url, max: 1 }));
  try {
    // Connected before the first read, so that the reads run at once.
    await Promise.all(pools.map((pool) => pool.query('select 1')));
    const ids = new Set(await Promise.all(pools.map(readInstallationId)));
    expect(ids.size).toBe(1);
    expect(await one.installationId()).toBe([...ids][0]);
    expect(await other.installationId()).not.toBe([...ids][0]);
  } finally {
    await Promise.all(pools.map((pool) => pool.end()));
  }
});
