import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from '../../../../src/postgres/driver/migrate.ts';
import { createPostgres } from '../../../../src/postgres/postgres.ts';
import { createRoleDatabase, type RoleDatabase } from '../../../support/postgres/role.ts';

const own = ['token_broker_migration', 'token_broker_migration_lock'];
const former = ['kysely_migration', 'kysely_migration_lock'];

describe('the migration tables', () => {
  let database: RoleDatabase;
  beforeEach(async () => {
    database = await createRoleDatabase();
  });
  afterEach(() => database.drop());

  const asOwner = (statement: string) =>
    database.sql(`set role ${new URL(database.url).username}; ${statement}; reset role`);

  async function migrationTables(): Promise<string[]> {
    const rows = await database.sql<{ name: string }>(
      "select relname as name from pg_class where relkind = 'r' and relname like '%migration%' and relnamespace = 'public'::regnamespace order by relname",
    );
    return rows.map(({ name }) => name);
  }

  async function names(table: string): Promise<string[]> {
    const rows = await database.sql<{ name: string }>(`select name from ${table} order by name`);
    return rows.map(({ name }) => name);
  }

  async function asInEarlierReleases(): Promise<string[]> {
    const applied = await migrate(database.url);
    await asOwner(
      'alter table token_broker_migration rename to kysely_migration; alter table token_broker_migration_lock rename to kysely_migration_lock',
    );
    return applied;
  }

  async function pending(): Promise<string[]> {
    const postgres = createPostgres({ connectionString: database.url, poolMax: 1, onError: () => {} });
    return postgres.pendingMigrations().finally(() => postgres.close());
  }

  test('a new database gets tables with names of our own', async () => {
    const applied = await migrate(database.url);
    expect(await migrationTables()).toEqual(own);
    expect(await names('token_broker_migration')).toEqual(applied);
    expect(await pending()).toEqual([]);
  });

  test('the tables of an earlier release are renamed once, by one of several migrators', async () => {
    const applied = await asInEarlierReleases();
    expect(await migrationTables()).toEqual(former);
    expect(await pending()).toEqual(applied);
    const runs = await Promise.all(Array.from({ length: 4 }, () => migrate(database.url)));
    expect(runs.flat()).toEqual([]);
    expect(await migrationTables()).toEqual(own);
    expect(await names('token_broker_migration')).toEqual(applied);
    expect(await pending()).toEqual([]);
  });

  test.each([
    ['empty', 'create table kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null)', 0],
    [
      'with migrations',
      `create table kysely_migration (name varchar(255) primary key, timestamp varchar(255) not null);
       insert into kysely_migration values ('001_init', 'x'), ('002_more', 'x')`,
      2,
    ],
    ['of another tool', 'create table kysely_migration (id int); insert into kysely_migration values (1)', 1],
  ])('a table of another application, %s, is left alone', async (_, create, count) => {
    await asOwner(
      `${create}; create table kysely_migration_lock (id varchar(255) primary key, is_locked int not null)`,
    );
    const runs = await Promise.all([migrate(database.url), migrate(database.url)]);
    expect(runs.flat().length).toBeGreaterThan(0);
    expect(await migrationTables()).toEqual([...former, ...own]);
    const [row] = await database.sql<{ count: number }>('select count(*)::int as count from kysely_migration');
    expect(row?.count).toBe(count);
    expect(await pending()).toEqual([]);
  });

  test('a table that only another role may read is left alone', async () => {
    await database.sql("create table kysely_migration (name text); insert into kysely_migration values ('001_init')");
    await migrate(database.url);
    expect(await names('kysely_migration')).toEqual(['001_init']);
    expect(await pending()).toEqual([]);
  });

  test('a table of another application with a name of ours stops the migration and is named', async () => {
    await asOwner('create table settings (id int)');
    await expect(migrate(database.url)).rejects.toThrow(
      /public already has tables of another application named settings/,
    );
    expect(await migrationTables()).toEqual([]);
  });

  test('a search_path that leads to another schema stops the migration and is named', async () => {
    const applied = await migrate(database.url);
    await asOwner('create schema elsewhere');
    await database.setDefaults({ search_path: 'elsewhere' });
    await expect(migrate(database.url)).rejects.toThrow(/search_path is elsewhere.*schema public.*alter role/s);
    await database.setDefaults({ search_path: 'elsewhere, public' });
    expect(await migrate(database.url)).toEqual([]);
    await database.setDefaults({ search_path: '' });
    expect(await migrate(database.url)).toEqual([]);
    expect(await names('token_broker_migration')).toEqual(applied);
  });
});
