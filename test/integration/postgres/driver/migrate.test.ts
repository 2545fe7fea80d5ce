import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../../../../src/postgres/driver/migrate.ts';
import { createPostgres } from '../../../../src/postgres/postgres.ts';
import { createTestDatabase, type TestDatabase } from '../../../support/postgres/database.ts';

describe('migrations', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(() => database.drop());

  test('exactly one of several processes that start on an empty database runs the migrations', async () => {
    const runs = await Promise.all(Array.from({ length: 6 }, () => migrate(database.url)));
    const ran = runs.flat();
    expect(ran.length).toBeGreaterThan(0);
    expect(new Set(ran).size).toBe(ran.length);
    expect(runs.filter((names) => names.length > 0)).toHaveLength(1);
  });

  test('a database lists every migration as pending before migrate and none after', async () => {
    const stores = createPostgres({ connectionString: database.url, poolMax: 2, onError: () => {} });
    try {
      const pending = await stores.pendingMigrations();
      expect(pending.length).toBeGreaterThan(0);
      const started: string[] = [];
      expect(await migrate(database.url, (name) => started.push(name))).toEqual(pending);
      expect(started).toEqual(pending);
      expect(await stores.pendingMigrations()).toEqual([]);
      expect(await migrate(database.url)).toEqual([]);
    } finally {
      await stores.close();
    }
  });

  test('every foreign key has an index that begins with its column', async () => {
    await migrate(database.url);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      const { rows } = await client.query<{ name: string; indexed: boolean }>(`
        select conname as name, exists (
          select from pg_index where indrelid = conrelid and indkey[0] = conkey[1]
        ) as indexed from pg_constraint where contype = 'f'`);
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.filter(({ indexed }) => !indexed)).toEqual([]);
    } finally {
      await client.end();
    }
  });

  test('an audit event cannot be changed after it is written', async () => {
    await migrate(database.url);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query(
        `insert into audit_events (time, actor, action, outcome, details) values (now(), 'a', 'x', 'success', '{}')`,
      );
      await expect(client.query(`update audit_events set actor = 'b'`)).rejects.toThrow('append only');
    } finally {
      await client.end();
    }
  });
});
