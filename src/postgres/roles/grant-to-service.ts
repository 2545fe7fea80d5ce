import pg from 'pg';
import { toBrokerError } from '../driver/failures.ts';
import { migrationLock } from '../driver/migrate.ts';
import { migrationLockTable, migrationTable } from '../driver/migration-tables.ts';
import { readConnectionString } from '../driver/pool.ts';
import { sessionSettings } from '../driver/session-settings.ts';
import { serviceFunctions, tablePrivileges } from './table-privileges.ts';

export interface ServiceGrants {
  /** Role of the service, which need not own anything. */
  role: string;
  /** Schema of the queue. Null if the queue is not in this database. */
  queueSchema: string | null;
}

/**
 * Gives the role of the service the privileges of its statements, and takes every other one on the tables from it. Runs
 * as the owner of the tables, in one transaction, so that statements of running processes never miss a privilege.
 */
export async function grantToService(ownerUrl: string, { role, queueSchema }: ServiceGrants): Promise<void> {
  const client = new pg.Client({
    ...readConnectionString(ownerUrl),
    connectionTimeoutMillis: 5_000,
    application_name: 'token-broker migrate',
  }).on('error', () => {});
  try {
    await client.connect();
    await client.query('begin isolation level read committed, read write');
    await client.query(sessionSettings({ statementTimeoutMs: 0, isLocal: true }));
    // Two processes that change the privileges of one table at once would fail.
    await client.query('select pg_advisory_xact_lock($1::bigint)', [migrationLock]);
    const statements = [
      ...(await schemaGrants(client, role)),
      ...tableGrants(role),
      ...(await partitionGrants(client, role)),
      ...(queueSchema === null ? [] : queueGrants(role, queueSchema)),
    ];
    await client.query(statements.join(';\n'));
    await client.query('commit');
  } catch (error) {
    throw toBrokerError(error);
  } finally {
    await client.end().catch(() => {});
  }
}

const quoted = pg.escapeIdentifier;

/** An owner of tables need not own their schema, and may then grant nothing on it. */
async function schemaGrants(client: pg.Client, role: string): Promise<string[]> {
  const { rows } = await client.query<{ schema: string; isUsable: boolean; mayCreate: boolean }>(
    `select nspname::text as schema, has_schema_privilege($1, oid, 'usage') as "isUsable",
       has_schema_privilege($1, oid, 'create') as "mayCreate"
     from pg_namespace where nspname = current_schema()`,
    [role],
  );
  return rows.flatMap(({ schema, isUsable, mayCreate }) => [
    ...(isUsable ? [] : [`grant usage on schema ${quoted(schema)} to ${quoted(role)}`]),
    ...(mayCreate ? [`revoke create on schema ${quoted(schema)} from ${quoted(role)}`] : []),
  ]);
}

function tableGrants(role: string): string[] {
  const privileges = { ...tablePrivileges, [migrationTable]: ['select'], [migrationLockTable]: ['select'] };
  const ofTables = Object.entries(privileges).flatMap(([table, granted]) => [
    `revoke all on table ${quoted(table)} from ${quoted(role)}`,
    `grant ${granted.join(', ')} on table ${quoted(table)} to ${quoted(role)}`,
  ]);
  // A dump that is restored without privileges lets every role call the functions.
  const ofFunctions = serviceFunctions.flatMap((name) => [
    `revoke all on function ${name} from public`,
    `grant execute on function ${name} to ${quoted(role)}`,
  ]);
  return [...ofTables, ...ofFunctions];
}

/** Statements name the parent only, whose privileges count. */
async function partitionGrants(client: pg.Client, role: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('select name from audit_partitions()');
  return rows.map(({ name }) => `revoke all on table ${quoted(name)} from ${quoted(role)}`);
}

/** The statements of the queue are those of BullMQ. It keeps the record of its own migrations in a table of this schema. */
function queueGrants(role: string, schema: string): string[] {
  const [to, at] = [quoted(role), quoted(schema)];
  return [
    `revoke all on schema ${at} from ${to}`,
    `grant usage on schema ${at} to ${to}`,
    `revoke all on all tables in schema ${at} from ${to}`,
    `grant select, insert, update, delete on all tables in schema ${at} to ${to}`,
    `revoke insert, update, delete on table ${at}.migration from ${to}`,
    `grant usage, select on all sequences in schema ${at} to ${to}`,
  ];
}
