import { readdir } from 'node:fs/promises';
import { Kysely, PostgresDialect } from 'kysely';
import type { Migration } from 'kysely/migration';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../support/postgres/database.ts';
import { createLimitedRole } from '../../../support/postgres/limited-role.ts';

const folder = new URL('../../../../migrations/', import.meta.url);
const partitioning = '2026-11-27-05-audit-partitions.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeEach(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 2 });
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

async function run(isMeant: (name: string) => boolean): Promise<void> {
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const names = (await readdir(folder)).filter((name) => /^\d.*\.ts$/.test(name) && isMeant(name)).sort();
  await db.transaction().execute(async (transaction) => {
    for (const name of names) await ((await import(new URL(name, folder).href)) as Migration).up(transaction);
  });
}

const columns = 'time, actor, action, organization_id, outcome, details';
const insert = (time: string, on: Pick<pg.Pool, 'query'> = pool) =>
  on.query(
    `insert into audit_events (${columns}) values (${time}, 'a', 'grant.deleted', 'acme', 'success', '{"n": 1}')`,
  );

test('events from before the partitions are kept, and ids go on from them', async () => {
  await run((name) => name < partitioning);
  for (const time of ["'1999-01-01Z'", "now() - interval '80 days'", 'now()', "now() + interval '40 days'"]) {
    await insert(time);
  }
  const all = `select id, ${columns} from audit_events order by id`;
  const { rows: before } = await pool.query(all);
  await run((name) => name === partitioning);
  expect((await pool.query(all)).rows).toEqual(before);
  await insert('now()');
  await insert("now() + interval '100 days'");
  const { rows } = await pool.query<{ id: string; transaction_id: string | null }>(
    'select id, transaction_id from audit_events order by id',
  );
  expect(rows.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5', '6']);
  expect(rows.map(({ transaction_id: by }) => by === null)).toEqual([true, true, true, true, false, false]);
  await expect(pool.query('delete from audit_events where id = 1')).rejects.toThrow('append only');
});

test('a role with rights to the table before has the same rights to the partitioned one', async () => {
  await run((name) => name < partitioning);
  const role = await createLimitedRole(database.url);
  const limited = new pg.Client({ connectionString: role.url });
  try {
    await run((name) => name === partitioning);
    await limited.connect();
    await insert('now()', limited as unknown as pg.Pool);
    expect((await limited.query(`select ${columns} from audit_events`)).rowCount).toBe(1);
  } finally {
    await limited.end();
    await role.drop();
  }
});
