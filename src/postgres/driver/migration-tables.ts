import { type Kysely, sql } from 'kysely';

/** Names of our own: an application that shares the database may use Kysely's default names. */
export const migrationTable = 'token_broker_migration';
export const migrationLockTable = 'token_broker_migration_lock';
/** Names of earlier releases: Kysely's defaults. */
const formerTable = 'kysely_migration';
const formerLockTable = 'kysely_migration_lock';

/**
 * Returns the schema of the migration tables, and renames those of an earlier release. Its table holds the name of our
 * first migration; another application's does not and is left alone. Runs under the lock of migrations, so only one
 * process renames. Throws if the tables would be created beside other tables of the same names.
 */
export async function claimMigrationTables(
  db: Kysely<unknown>,
  firstMigration: string,
  tables: readonly string[],
): Promise<string> {
  const own = await schemaOf(db, migrationTable);
  if (own !== undefined) return own;
  const former = await formerSchema(db, firstMigration);
  if (former !== undefined) {
    const at = sql.id(former);
    await sql`alter table ${at}.${sql.id(formerTable)} rename to ${sql.id(migrationTable)}`.execute(db);
    await sql`alter table if exists ${at}.${sql.id(formerLockTable)} rename to ${sql.id(migrationLockTable)}`.execute(
      db,
    );
    return former;
  }
  return schemaForNewTables(db, tables);
}

/** Finds the schema that the search_path leads to. */
async function schemaOf(db: Kysely<unknown>, table: string): Promise<string | undefined> {
  const { rows } = await sql<{ schema: string }>`
    select n.nspname::text as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = to_regclass(${table})`.execute(db);
  return rows[0]?.schema;
}

async function formerSchema(db: Kysely<unknown>, firstMigration: string): Promise<string | undefined> {
  const schema = await schemaOf(db, formerTable);
  if (schema === undefined) return undefined;
  const { rows: privileges } = await sql<{ readable: boolean }>`
    select has_table_privilege(to_regclass(${formerTable}), 'select') as readable`.execute(db);
  if (privileges[0]?.readable !== true) return undefined;
  // The table of another tool may lack the column name.
  const { rows } = await sql<{ found: boolean }>`
    select exists (
      select from ${sql.id(schema, formerTable)} as executed where to_jsonb(executed)->>'name' = ${firstMigration}
    ) as found`.execute(db);
  return rows[0]?.found === true ? schema : undefined;
}

async function schemaForNewTables(db: Kysely<unknown>, tables: readonly string[]): Promise<string> {
  const { rows } = await sql<{ schema: string; path: string; role: string; elsewhere: string | null; taken: string[] }>`
    select current_schema()::text as schema, current_setting('search_path') as path, current_user::text as role,
      (select relnamespace::regnamespace::text from pg_class
        where relname = ${migrationTable} and relkind in ('r', 'p') order by oid limit 1) as elsewhere,
      array(select relname::text from pg_class
        where relnamespace = current_schema()::regnamespace and relname = any(${[...tables]}) order by relname) as taken`.execute(
    db,
  );
  const [found] = rows;
  if (found === undefined) throw new Error('the database returned no schema');
  const { schema, path, role, elsewhere, taken } = found;
  if (elsewhere !== null) {
    throw new Error(
      `The setting search_path is ${path}, but the tables of token-broker are in the schema ${elsewhere}. ` +
        `Run: alter role "${role}" set search_path = ${elsewhere}. A second installation needs a database of its own.`,
    );
  }
  if (taken.length > 0) {
    throw new Error(
      `The schema ${schema} already has tables of another application named ${taken.join(', ')}. ` +
        'Give token-broker a database of its own.',
    );
  }
  return schema;
}
