import type { PostgresPool, PostgresPoolClient } from 'kysely';
import pg from 'pg';
import { isConnectionLost, toBrokerError } from './failures.ts';
import type { ConnectionSource } from './reserved-connection.ts';
import { retryConflict } from './retry-conflict.ts';
import { sessionSettings } from './session-settings.ts';
import { type PoolerMode, relyOnNoSession } from './transaction-pooler.ts';
import { valueTypes } from './value-types.ts';

export interface PoolOptions {
  connectionString: string;
  /** Defaults to session. */
  pooler?: PoolerMode;
  /** Maximum number of connections. */
  poolMax: number;
  applicationName?: string;
  /** Maximum time in milliseconds that a caller waits for a connection, new or idle. */
  connectTimeoutMs?: number;
  statementTimeoutMs?: number;
  /** Receives the errors of connections that broke while idle. The pool replaces such connections by itself. */
  onError: (error: unknown) => void;
}

const defaultConnectTimeoutMs = 5_000;
const defaultStatementTimeoutMs = 15_000;
/**
 * Time in milliseconds after the statement timeout at which the client gives up waiting. The server cancels first;
 * this bound ends the wait if the server is gone.
 */
const graceMs = 5_000;

export function createPool(options: PoolOptions): pg.Pool {
  const {
    connectTimeoutMs = defaultConnectTimeoutMs,
    statementTimeoutMs = defaultStatementTimeoutMs,
    pooler = 'session',
    onError,
  } = options;
  const pool = new pg.Pool({
    ...readConnectionString(options.connectionString),
    max: options.poolMax,
    application_name: options.applicationName ?? 'token-broker',
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: statementTimeoutMs + graceMs,
    keepAlive: true,
    types: valueTypes,
    // Not a startup parameter: a pooler in front of the server rejects parameters it does not know.
    onConnect: async (client) => {
      if (pooler === 'transaction') relyOnNoSession(client, statementTimeoutMs);
      else await client.query(sessionSettings({ statementTimeoutMs, isLocal: false }));
    },
  } satisfies pg.PoolConfig & { onConnect: (client: pg.ClientBase) => unknown });
  pool.on('error', onError);
  // Without a handler, a connection that breaks between two statements of its user would end the process.
  // The next statement on it fails and reports the loss.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Checks the connection string. Its error omits the string: the parser's own error contains all of it, password included. */
export function readConnectionString(connectionString: string): pg.ClientConfig {
  try {
    new pg.Client({ connectionString });
  } catch (error) {
    // A certificate file cannot be read. Such an error names the file alone.
    if (error instanceof Error && 'syscall' in error) throw error;
    throw new Error(
      'The database connection string cannot be read; it looks like postgres://user:password@host:5432/database.',
    );
  }
  return { connectionString };
}

/** Names all properties of a transaction, whatever the defaults of the database are. */
const beginning = 'begin isolation level read committed, read write, not deferrable';

/**
 * Wraps the pool for Kysely: errors become broker errors, and broken connections leave the pool. Transactions name the
 * organisation to the row policies; null is for work across organisations.
 */
export function guardPool(pool: ConnectionSource, organizationId: string | null): PostgresPool {
  const begin = organizationId === null ? beginning : `${beginning}; ${settingOf(organizationId)}`;
  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => guardClient(await pool.connect().catch(rethrow), begin),
  };
}

/**
 * Names the organisation to the row policies. Travels in the message that begins the transaction, so it costs no round
 * trip, and ends with the transaction, so it needs no session behind a pooler.
 */
function settingOf(organizationId: string): string {
  return `set local token_broker.organization = ${pg.escapeLiteral(organizationId)}`;
}

function guardClient(client: pg.PoolClient, begin: string): PostgresPoolClient {
  let broken = false;
  const query = async (sql: string, parameters: readonly unknown[]) => {
    try {
      const text = sql === 'begin' ? begin : sql;
      return await retryConflict(client, () => client.query(text, [...parameters]));
    } catch (error) {
      broken ||= isConnectionLost(error);
      throw toBrokerError(error);
    }
  };
  return {
    // Kysely calls query with a cursor only for streaming, which needs a cursor class that this dialect does not have.
    query: query as unknown as PostgresPoolClient['query'],
    release: (destroy) => client.release(destroy === true || broken),
  };
}

function rethrow(error: unknown): never {
  throw toBrokerError(error);
}
