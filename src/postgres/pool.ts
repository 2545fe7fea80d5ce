import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { isConnectionLost, toBrokerError } from './failures.ts';

export interface PoolOptions {
  connectionString: string;
  poolMax: number;
  applicationName?: string;
  /** How long a caller waits for a connection, new or free. */
  connectTimeoutMs?: number;
  statementTimeoutMs?: number;
  /** Told of connections that broke while idle; the pool replaces them by itself. */
  onError: (error: unknown) => void;
}

const defaultConnectTimeoutMs = 5_000;
const defaultStatementTimeoutMs = 15_000;
/** The server cancels first; this one ends waits on a server that is no longer there. */
const graceMs = 5_000;

export function createPool(options: PoolOptions): pg.Pool {
  const {
    connectTimeoutMs = defaultConnectTimeoutMs,
    statementTimeoutMs = defaultStatementTimeoutMs,
    onError,
  } = options;
  const pool = new pg.Pool({
    ...readConnectionString(options.connectionString),
    max: options.poolMax,
    application_name: options.applicationName ?? 'token-broker',
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs + graceMs,
    keepAlive: true,
    // Not a startup parameter: poolers between us and the server refuse those they do not know.
    onConnect: (client) => client.query(`set statement_timeout = ${Math.trunc(statementTimeoutMs)}`),
  } satisfies pg.PoolConfig & { onConnect: (client: pg.ClientBase) => unknown });
  pool.on('error', onError);
  // A connection that breaks while lent out, between two statements, reports to nobody and would end the process.
  // The borrower's next statement fails and says so.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Throws without the string: the parser's own error carries all of it, password included. */
export function readConnectionString(connectionString: string): pg.ClientConfig {
  try {
    new pg.Client({ connectionString });
  } catch {
    throw new Error(
      'The database connection string cannot be read; it looks like postgres://user:password@host:5432/database.',
    );
  }
  return { connectionString };
}

/** The pool as Kysely wants it, with errors told in the broker's words and broken connections never lent out again. */
export function guardPool(pool: pg.Pool): PostgresPool {
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => guardClient(await pool.connect().catch(rethrow)),
  };
}

function guardClient(client: pg.PoolClient): PostgresPoolClient {
  let broken = false;
  const query = async (sql: string, parameters: readonly unknown[]) => {
    try {
      return await client.query(sql, [...parameters]);
    } catch (error) {
      broken ||= isConnectionLost(error);
      throw toBrokerError(error);
    }
  };
  return {
    // Kysely's other form of query, with a cursor, is only for streaming, which asks for a cursor class nobody configures.
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy) => client.release(destroy === true || broken),
  };
}

function rethrow(error: unknown): never {
  throw toBrokerError(error);
}

/** One statement outside Kysely, prepared once a connection under its name. */
export async function queryPrepared<R extends pg.QueryResultRow>(
  pool: pg.Pool,
  statement: { name: string; text: string; values: unknown[] },
): Promise<R[]> {
  try {
    const { rows } = await pool.query<R>(statement);
    return rows;
  } catch (error) {
    throw toBrokerError(error);
  }
}
