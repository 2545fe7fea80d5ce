import type { ServerFacts } from '../../postgres/server-facts.ts';

export interface ServerNeeds {
  /** The process creates or changes tables: a migration is pending. */
  createsTables: boolean;
  /** The queue is in the database. Its owner makes its schema, or checks it with the same privilege, at each start. */
  hasQueue: boolean;
}

const leastVersion = 150_000;

/** Lists why the service cannot run on a database server, each with the command or the change that helps. */
export function serverFaults(facts: ServerFacts, { createsTables, hasQueue }: ServerNeeds): string[] {
  const { version, encoding, isStandby, schema } = facts;
  const database = quoted(facts.database);
  const role = quoted(facts.role);
  const faults: string[] = [];
  if (version < leastVersion) faults.push(`the server is PostgreSQL ${release(version)}: use version 15 or later`);
  if (encoding !== 'UTF8') {
    faults.push(
      `the encoding of the database is ${encoding}: use another, made by CREATE DATABASE name ENCODING 'UTF8' TEMPLATE template0`,
    );
  }
  // A standby refuses the commands for privileges too.
  if (isStandby) return [...faults, 'the server is a standby and read-only: name the primary'];
  if (createsTables && schema === null) {
    faults.push(
      `the search_path names no schema that exists: run CREATE SCHEMA name AUTHORIZATION ${role}, or correct it`,
    );
  } else if (createsTables && schema !== null && !facts.mayCreateTables) {
    faults.push(`the user may not create tables: run GRANT CREATE ON SCHEMA ${quoted(schema)} TO ${role}`);
  }
  if (hasQueue && !facts.mayCreateSchemas && !facts.isQueueOwnedElsewhere) {
    faults.push(
      `the user may not create the schema of the queue: run GRANT CREATE ON DATABASE ${database} TO ${role}, or set REDIS_URL`,
    );
  }
  return faults;
}

function release(version: number): string {
  return `${Math.trunc(version / 10_000)}.${version % 10_000}`;
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
