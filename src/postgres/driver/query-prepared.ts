import type pg from 'pg';
import { isConnectionLost, isPlanStale, toBrokerError } from './failures.ts';
import { retryConflict } from './retry-conflict.ts';

export interface PreparedStatement {
  /** Unique for the text: each connection prepares the statement once under this name. */
  name: string;
  text: string;
  values: unknown[];
}

/**
 * Runs one prepared statement outside a transaction. Throws service_unavailable if the database cannot serve, or if the
 * statement meets a stale plan twice.
 */
export async function queryPrepared<R extends pg.QueryResultRow>(
  pool: Pick<pg.Pool, 'connect'>,
  statement: PreparedStatement,
): Promise<R[]> {
  const client = await pool.connect().catch(rethrow);
  let mustRetire = false;
  try {
    const { rows } = await retryConflict(client, () => client.query<R>(statement)).catch((error: unknown) => {
      mustRetire = isConnectionLost(error) || isPlanStale(error);
      if (!isPlanStale(error)) throw error;
      // Safe to repeat: the server checks the plan before it runs the statement, and there is no transaction to abort.
      // Without a name the server plans the statement anew. Another connection could hold the same stale plan.
      return client.query<R>(statement.text, statement.values);
    });
    return rows;
  } catch (error) {
    mustRetire ||= isConnectionLost(error);
    return rethrow(error);
  } finally {
    // The named statements of a connection with a stale plan end with it: pg never prepares a name twice.
    client.release(mustRetire);
  }
}

function rethrow(error: unknown): never {
  throw toBrokerError(error);
}
