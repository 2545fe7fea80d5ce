import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import pg from 'pg';
import { toBrokerError } from './failures.ts';
import { readConnectionString } from './pool.ts';

const folder = fileURLToPath(new URL('../../migrations', import.meta.url));
/** Any number that nothing else in the database locks. */
const lockId = '7203117461220319';

/**
 * Brings the database up to this code's tables, and answers with the names of the migrations it ran. Any number of
 * processes may do so at once: the first one migrates, the others wait and find nothing left to do. Holds a lock of the
 * session, so it must not go through a transaction pooler. Throws service_unavailable where there is no server.
 */
export async function migrate(connectionString: string): Promise<string[]> {
  try {
    return await migrateUnderLock(connectionString);
  } catch (error) {
    throw toBrokerError(error);
  }
}

async function migrateUnderLock(connectionString: string): Promise<string[]> {
  // A connection of its own: no statement timeout, and waiting for the lock takes nothing from the service's pool.
  const pool = new pg.Pool({
    ...readConnectionString(connectionString),
    max: 1,
    connectionTimeoutMillis: 5_000,
    application_name: 'token-broker migrate',
  });
  pool.on('error', () => {});
  // The one connection is lent out for the whole of it: where it breaks, the statement under way says so.
  pool.on('connect', (client) => client.on('error', () => {}));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    return await db.connection().execute(async (connection) => {
      await sql`select pg_advisory_lock(${lockId}::bigint)`.execute(connection);
      try {
        return await run(connection);
      } finally {
        await sql`select pg_advisory_unlock(${lockId}::bigint)`.execute(connection);
      }
    });
  } finally {
    await db.destroy();
  }
}

async function run(db: Kysely<unknown>): Promise<string[]> {
  const migrator = new Migrator({ db, provider: { getMigrations: readMigrations } });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  return results.map(({ migrationName }) => migrationName);
}

async function migrationNames(): Promise<string[]> {
  const files = await readdir(folder);
  return files.filter((file) => /^\d{4}-\d{2}-\d{2}-.*\.ts$/.test(file)).map((file) => path.basename(file, '.ts'));
}

async function readMigrations(): Promise<Record<string, Migration>> {
  const loaded = (await migrationNames()).map(async (name): Promise<[string, Migration]> => {
    return [name, (await import(pathToFileURL(path.join(folder, `${name}.ts`)).href)) as Migration];
  });
  return Object.fromEntries(await Promise.all(loaded));
}

/** Names of migrations that this code brings and the database has not seen. Throws where the database cannot be asked. */
export async function pendingMigrations(pool: pg.Pool): Promise<string[]> {
  const names = await migrationNames();
  const { rows: tables } = await pool.query<{ found: boolean }>(
    "select to_regclass('kysely_migration') is not null as found",
  );
  if (tables[0]?.found !== true) return names;
  const { rows } = await pool.query<{ name: string }>('select name from kysely_migration');
  const done = new Set(rows.map(({ name }) => name));
  return names.filter((name) => !done.has(name));
}
