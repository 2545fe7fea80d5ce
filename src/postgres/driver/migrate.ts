import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import pg from 'pg';
import { tableNames } from '../tables.ts';
import { toBrokerError } from './failures.ts';
import { claimMigrationTables, migrationLockTable, migrationTable } from './migration-tables.ts';
import { readConnectionString } from './pool.ts';
import { sessionSettings } from './session-settings.ts';

const folder = fileURLToPath(new URL('../../../migrations/', import.meta.url));
/** Key of the advisory lock: an arbitrary number that no other lock in the database uses. */
export const migrationLock = '7203117461220319';

export type OnMigrationStart = (name: string) => void;

/**
 * Migrates the database to the schema of this code. Returns the names of the migrations it ran. Processes may call it
 * concurrently: the first one migrates, the others wait and find nothing left to do. Throws service_unavailable if no
 * server replies. `onStart` receives the name of each migration before it runs.
 */
export async function migrate(connectionString: string, onStart: OnMigrationStart = () => {}): Promise<string[]> {
  try {
    return await migrateUnderLock(connectionString, onStart);
  } catch (error) {
    throw toBrokerError(error);
  }
}

async function migrateUnderLock(connectionString: string, onStart: OnMigrationStart): Promise<string[]> {
  // Uses a separate connection: it has no statement timeout, and a wait for the lock occupies no pool connection.
  const pool = new pg.Pool({
    ...readConnectionString(connectionString),
    max: 1,
    connectionTimeoutMillis: 5_000,
    application_name: 'token-broker migrate',
  });
  pool.on('error', () => {});
  // The connection is in use until the end, so the running statement reports its loss. This handler only prevents a crash.
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    // The lock belongs to the transaction: behind a pooler, a lock of the session would outlive this process.
    const writing = db.transaction().setIsolationLevel('read committed').setAccessMode('read write');
    return await writing.execute(async (transaction) => {
      await sql.raw(sessionSettings({ statementTimeoutMs: 0, isLocal: true })).execute(transaction);
      await sql`select pg_advisory_xact_lock(${migrationLock}::bigint)`.execute(transaction);
      return await run(transaction, onStart);
    });
  } finally {
    await db.destroy();
  }
}

async function run(db: Kysely<unknown>, onStart: OnMigrationStart): Promise<string[]> {
  const [first = ''] = await migrationNames();
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => readMigrations(onStart) },
    migrationTableSchema: await claimMigrationTables(db, first, tableNames),
    migrationTableName: migrationTable,
    migrationLockTableName: migrationLockTable,
  });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  return results.map(({ migrationName }) => migrationName);
}

async function migrationNames(): Promise<string[]> {
  const files = await readdir(folder);
  const names = files.filter((file) => /^\d{4}-\d{2}-\d{2}-.*\.ts$/.test(file));
  return names.map((file) => path.basename(file, '.ts')).sort();
}

async function readMigrations(onStart: OnMigrationStart): Promise<Record<string, Migration>> {
  const loaded = (await migrationNames()).map(async (name): Promise<[string, Migration]> => {
    const migration = (await import(pathToFileURL(path.join(folder, `${name}.ts`)).href)) as Migration;
    const up: Migration['up'] = (db) => {
      onStart(name);
      return migration.up(db);
    };
    return [name, { ...migration, up }];
  });
  return Object.fromEntries(await Promise.all(loaded));
}

/** Returns the names of migrations that the database has not run. Throws if the database does not reply. */
export async function pendingMigrations(pool: pg.Pool): Promise<string[]> {
  const names = await migrationNames();
  const { rows: tables } = await pool.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    migrationTable,
  ]);
  if (tables[0]?.found !== true) return names;
  const { rows } = await pool.query<{ name: string }>(`select name from ${migrationTable}`);
  const done = new Set(rows.map(({ name }) => name));
  return names.filter((name) => !done.has(name));
}
