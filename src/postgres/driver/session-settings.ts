import type pg from 'pg';
import { migrationTable } from './migration-tables.ts';

/** Settings that statements rely on. A database or a role may have other defaults. */
const required: Readonly<Record<string, string>> = {
  array_nulls: 'on',
  client_encoding: 'UTF8',
  default_transaction_deferrable: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  // Off, a statement that row policies would filter fails instead.
  row_security: 'on',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
};
/** Limits in milliseconds that a default may set. 0 is none. */
const limits = ['idle_in_transaction_session_timeout', 'idle_session_timeout', 'lock_timeout', 'transaction_timeout'];
/** Least limit in milliseconds behind a transaction pooler. A lower one ends statements that only wait for their turn. */
const leastLimitMs = 5_000;

/**
 * Builds the statements that give a session the settings the service relies on. Names of functions and operators are
 * qualified, because the search_path that it replaces may have others in front. Leaves out settings that the server does
 * not know. Without a schema to search, the tables are in `public`.
 */
export function sessionSettings({
  statementTimeoutMs,
  isLocal,
}: {
  statementTimeoutMs: number;
  isLocal: boolean;
}): string {
  const settings = {
    ...required,
    ...Object.fromEntries(limits.map((name) => [name, '0'])),
  };
  const rows = Object.entries(settings).map(([name, value]) => `('${name}', '${value}')`);
  // The first of two: a short default limit would end the longer one.
  return `
    set ${isLocal ? 'local' : 'session'} statement_timeout = ${Math.trunc(statementTimeoutMs)};
    select pg_catalog.set_config(name, value, ${isLocal}) from (
      values ${rows.join(', ')}, ('search_path', coalesce((
        select pg_catalog.concat(pg_catalog.quote_ident(nspname), ', pg_temp')
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
        where c.oid operator(pg_catalog.=) pg_catalog.to_regclass('${migrationTable}')
      ), case when pg_catalog.current_schema() is null then 'public, pg_temp' end))
    ) as settings (name, value)
    where value is not null and pg_catalog.current_setting(name, true) is not null`;
}

interface State {
  role: string;
  database: string;
  schema: string;
  settings: Record<string, string>;
  hidden: string[];
}

/**
 * Proves that sessions have the settings that statements rely on. Throws one error that names each wrong setting and the
 * statement that changes it. Only sessions of a transaction pooler can have others: it does not keep what is set.
 */
export async function checkSessionSettings(pool: Pick<pg.Pool, 'query'>, tables: readonly string[]): Promise<void> {
  const { rows } = await pool.query<State>(
    `select current_user as role, current_database() as database, own.schema,
       (select json_object_agg(name, setting) from pg_settings where name = any($1)) as settings,
       array(
         select relname::text from pg_class
         where relnamespace = own.oid and relname = any($2) and oid is distinct from to_regclass(quote_ident(relname))
         order by relname
       ) as hidden
     from (
       select n.oid, n.nspname::text as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relname = $3 and c.relkind = 'r'
       order by c.oid is distinct from to_regclass($3) limit 1
     ) own`,
    [[...Object.keys(required), ...limits, 'statement_timeout'], [...tables], migrationTable],
  );
  const [state] = rows;
  if (state === undefined) return;
  const faults = faultsOf(state);
  if (faults.length === 0) return;
  throw new Error(
    `Defaults of the database role change what statements mean: ${faults.join('; ')}. Reconnect a pooler afterwards.`,
  );
}

function faultsOf({ role, database, schema, settings, hidden }: State): string[] {
  const alter = (name: string, value: string) =>
    `alter role ${quoted(role)} in database ${quoted(database)} set ${name} = ${value}`;
  const wrong = Object.entries(required)
    .filter(([name, value]) => name in settings && settings[name] !== value)
    .map(([name, value]) => `${name} is ${settings[name]}, run: ${alter(name, `'${value}'`)}`);
  const short = [...limits, 'statement_timeout']
    .filter((name) => Number(settings[name] ?? 0) > 0 && Number(settings[name]) < leastLimitMs)
    .map((name) => `${name} is ${settings[name]} ms, run: ${alter(name, '0')}`);
  const path = hidden.map(
    (table) => `search_path hides ${quoted(schema)}.${table}, run: ${alter('search_path', quoted(schema))}`,
  );
  return [...wrong, ...short, ...path.slice(0, 1)];
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
