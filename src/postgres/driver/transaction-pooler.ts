import type pg from 'pg';

/**
 * session: a connection keeps its server session until it ends. transaction: a pooler may give every transaction, and
 * every statement outside of one, another server session.
 */
export type PoolerMode = 'session' | 'transaction';

const transactionStart = /^(begin|start transaction)\b/i;

/**
 * Makes a connection rely on no session. Named statements lose their name: a prepared statement stays on a server
 * session that the next statement may not reach. The timeout becomes part of each transaction.
 */
export function relyOnNoSession(client: pg.ClientBase, statementTimeoutMs: number): void {
  const query = client.query.bind(client) as (statement: unknown, ...rest: unknown[]) => unknown;
  const timeout = `set local statement_timeout = ${Math.trunc(statementTimeoutMs)}`;
  const independent = (statement: unknown): unknown => {
    if (typeof statement === 'string') return transactionStart.test(statement) ? `${statement}; ${timeout}` : statement;
    return isNamed(statement) ? { text: statement.text, values: statement.values } : statement;
  };
  client.query = ((statement: unknown, ...rest: unknown[]) =>
    query(independent(statement), ...rest)) as pg.ClientBase['query'];
}

function isNamed(statement: unknown): statement is pg.QueryConfig {
  return typeof statement === 'object' && statement !== null && 'name' in statement && 'text' in statement;
}
