import pg from 'pg';
import { toBrokerError } from './driver/failures.ts';
import { readConnectionString } from './driver/pool.ts';

/** State of a server, and privileges of a role, that the service depends on. */
export interface ServerFacts {
  /** As in server_version_num: 150004 is 15.4. */
  version: number;
  encoding: string;
  isStandby: boolean;
  database: string;
  role: string;
  /** Schema of new tables. Null if the search_path names none that exists. */
  schema: string | null;
  mayCreateSchemas: boolean;
  mayCreateTables: boolean;
  /** The schema of the queue exists and belongs to another role, which migrates it. */
  isQueueOwnedElsewhere: boolean;
}

/** Milliseconds for each step. */
const limitMs = 5_000;

/**
 * Reads the facts on a connection of its own. Throws service_unavailable if the server does not reply. `queueSchema` is
 * the schema of the queue, if it is in this database.
 */
export async function readServerFacts(connectionString: string, queueSchema?: string): Promise<ServerFacts> {
  const client = new pg.Client({
    ...readConnectionString(connectionString),
    application_name: 'token-broker start',
    connectionTimeoutMillis: limitMs,
    query_timeout: limitMs,
  }).on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<ServerFacts>(
      `select current_setting('server_version_num')::int as version, pg_encoding_to_char(encoding)::text as encoding,
        pg_is_in_recovery() as "isStandby", datname::text as database, current_user::text as role,
        current_schema()::text as schema, has_database_privilege(oid, 'create') as "mayCreateSchemas",
        coalesce(has_schema_privilege(current_schema(), 'create'), false) as "mayCreateTables",
        exists (select from pg_namespace where nspname = $1 and not pg_has_role(nspowner, 'usage')) as "isQueueOwnedElsewhere"
      from pg_database where datname = current_database()`,
      [queueSchema ?? null],
    );
    const [facts] = rows;
    if (facts === undefined) throw new Error('the database returned no facts about itself');
    return facts;
  } catch (error) {
    throw toBrokerError(error);
  } finally {
    await client.end().catch(() => {});
  }
}
