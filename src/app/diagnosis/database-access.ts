import { BrokerError, isBrokerError } from '../../domain/errors.ts';
import { queueSchema } from '../../jobs/queue/queue-server.ts';
import { readServerFacts } from '../../postgres/server-facts.ts';
import { explainDatabase, isPasswordMissing } from './explain-database.ts';
import { type ServerNeeds, serverFaults } from './server-faults.ts';

export type DatabaseVariable = 'DATABASE_URL' | 'DATABASE_LISTEN_URL' | 'DATABASE_MIGRATE_URL';

const retryAfterSeconds = 5;

/**
 * Runs work that connects to a database. Its errors name the variable and the part to change: service_unavailable if
 * the cause may pass by itself.
 */
export async function namingVariable<T>(variable: DatabaseVariable, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withCause(variable, error);
  }
}

/** Throws an error that lists the faults of the server, with the command or the change that helps. */
export async function requireServer(
  variable: DatabaseVariable,
  connectionString: string,
  needsOf: () => Promise<ServerNeeds>,
): Promise<void> {
  const facts = await namingVariable(variable, () => readServerFacts(connectionString, queueSchema));
  // Only a server that can hold the tables can tell which ones are missing.
  const general = serverFaults(facts, { createsTables: false, hasQueue: false });
  const faults = general.length > 0 ? general : serverFaults(facts, await namingVariable(variable, needsOf));
  if (faults.length > 0) throw new Error(faults.map((fault) => `${variable}: ${fault}.`).join('\n'));
}

function withCause(variable: DatabaseVariable, error: unknown): unknown {
  const explained = explainDatabase(error);
  if (explained === undefined) return error;
  const message = `${variable}: ${explained}.`;
  if (isPasswordMissing(error)) return new Error(message, { cause: error });
  const cause = isBrokerError(error) ? error.cause : error;
  return BrokerError.with('service_unavailable', message, { retry_after: retryAfterSeconds }, cause);
}
