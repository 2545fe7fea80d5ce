import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../../../src/postgres/driver/migrate.ts';
import { createPostgres, type Postgres } from '../../../src/postgres/postgres.ts';
import { createTestDatabase, type TestDatabase } from '../../support/postgres/database.ts';
import { runEveryOperation } from './every-operation.ts';

describe('a schema that changes under a running process', () => {
  let database: TestDatabase;
  let admin: pg.Client;
  let stores: Postgres;

  beforeEach(async () => {
    database = await createTestDatabase();
    await migrate(database.url);
    admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    // One connection: every statement of the second run meets the plans that the first run prepared.
    stores = createPostgres({ connectionString: database.url, poolMax: 1, onError: () => {} });
  });
  afterEach(async () => {
    await stores.close();
    await admin.end();
    await database.drop();
  });

  async function serverProcesses(): Promise<number[]> {
    const { rows } = await admin.query<{ pid: number }>(
      "select pid from pg_stat_activity where datname = current_database() and application_name = 'token-broker'",
    );
    return rows.map(({ pid }) => pid);
  }

  test('a column added to every table disturbs no store operation of a process that has prepared its statements', async () => {
    expect(await runEveryOperation(stores)).toEqual([]);
    const before = await serverProcesses();
    // A partition takes the columns of its parent.
    const { rows } = await admin.query<{ table_name: string }>(
      `select relname as table_name from pg_class
       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
    );
    expect(rows.length).toBeGreaterThan(8);
    for (const { table_name } of rows) {
      await admin.query(
        `alter table ${pg.escapeIdentifier(table_name)} add column added_later text not null default 'x'`,
      );
    }
    expect(await runEveryOperation(stores)).toEqual([]);
    // The same connection still serves: no statement needed the retry for a stale plan, which replaces the connection.
    expect(await serverProcesses()).toEqual(before);
  });

  test('columns whose type changes are read by the next statement, on a new plan', async () => {
    expect(await runEveryOperation(stores)).toEqual([]);
    const before = await serverProcesses();
    for (const column of [
      'connections alter column description',
      'grants alter column status_message',
      'api_keys alter column name',
    ]) {
      await admin.query(`alter table ${column} type varchar(1000)`);
    }
    expect(await runEveryOperation(stores)).toEqual([]);
    expect(await serverProcesses()).not.toEqual(before);
  });
});
