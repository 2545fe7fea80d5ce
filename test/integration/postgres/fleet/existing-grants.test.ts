import { readdir } from 'node:fs/promises';
import { Kysely, PostgresDialect } from 'kysely';
import type { Migration } from 'kysely/migration';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createPostgres } from '../../../../src/postgres/postgres.ts';
import { createTestDatabase } from '../../../support/postgres/database.ts';
import { seedFleet } from '../../../support/postgres/seed-fleet.ts';

const folder = new URL('../../../../migrations/', import.meta.url);
const fleetMigration = '2026-11-27-04-fleet.ts';
const everything = { organizations: '*', global: true } as const;

test('grants from before the migration are listed and counted, with an index that was built beforehand', async () => {
  await using stack = new AsyncDisposableStack();
  const database = await createTestDatabase();
  stack.defer(() => database.drop());
  const pool = new pg.Pool({ connectionString: database.url, max: 2 });
  stack.defer(() => pool.end());
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const run = (isMeant: (name: string) => boolean) =>
    db.transaction().execute(async (transaction) => {
      const names = (await readdir(folder)).filter((name) => /^\d.*\.ts$/.test(name) && isMeant(name)).sort();
      for (const name of names) await ((await import(new URL(name, folder).href)) as Migration).up(transaction);
    });

  await run((name) => name < fleetMigration);
  await seedFleet(database.url, { organizations: 5, grants: 300 });
  await pool.query(`create index concurrently grants_failing on grants (id)
    where status = 'completed' and consecutive_failures > 0`);
  await run((name) => name >= fleetMigration);

  const postgres = createPostgres({ connectionString: database.url, poolMax: 4, onError: () => {} });
  stack.defer(() => postgres.close());
  const { grants } = await postgres.fleet.listGrants({ reach: everything, status: 'failed' }, { limit: 200 });
  const { rows } = await pool.query("select id from grants where status = 'failed' order by id");
  expect(grants.map(({ grant }) => grant.id).sort()).toEqual(rows.map(({ id }) => id));
  const { counts } = await postgres.fleet.readStats(everything, { dueMs: 0, expiryWarningMs: 0 });
  expect(counts.reduce((sum, each) => sum + each.grants, 0)).toBe(300);
});
