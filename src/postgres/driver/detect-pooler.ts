import pg from 'pg';
import { toBrokerError } from './failures.ts';
import { readConnectionString } from './pool.ts';

const rounds = 5;
/** Milliseconds for each step. A pooler without a free server connection would make a client wait for minutes. */
const limitMs = 5_000;

/**
 * True if a transaction pooler is between this process and the server: two connections that are open at once were
 * served by the same session. A busy pooler may go unnoticed. Throws service_unavailable if the server does not reply.
 */
export async function isBehindTransactionPooler(connectionString: string): Promise<boolean> {
  const open = () =>
    new pg.Client({
      ...readConnectionString(connectionString),
      application_name: 'token-broker start',
      connectionTimeoutMillis: limitMs,
      query_timeout: limitMs,
    }).on('error', () => {});
  const [first, second] = [open(), open()];
  try {
    await first.connect();
    await second.connect();
    // Directly, or with a session pooler, each connection has one session of its own.
    const sessions = { first: await sessionOf(first), second: await sessionOf(second) };
    if (sessions.first === sessions.second) return true;
    for (let round = 0; round < rounds; round++) {
      if ((await sessionOf(first)) !== sessions.first || (await sessionOf(second)) !== sessions.second) return true;
    }
    return false;
  } catch (error) {
    throw toBrokerError(error);
  } finally {
    for (const client of [first, second]) await client.end().catch(() => {});
  }
}

async function sessionOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid ?? 0;
}
