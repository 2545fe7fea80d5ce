import { BrokerError, invalidRequest } from '../../domain/errors.ts';

const retryAfterSeconds = 2;

const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'EACCES',
  'EPROTO',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** SQLSTATE of "cached plan must not change result type": a migration changed a table after the statement was prepared. */
const stalePlan = '0A000';

/** SQLSTATE of a write on a server that takes none: after a failover, the earlier primary. */
const readOnly = '25006';

/**
 * SQLSTATEs with which the server cannot serve now, although the statement may be correct: a stale or missing prepared
 * statement, a transaction that timed out, a login or a privilege that is missing, a missing database, schema or table.
 * The last ones occur while a server is being set up, restored or repaired. A retry may succeed after each of them.
 */
const unavailable = new Set([
  stalePlan,
  readOnly,
  '25P03',
  '25P04',
  '26000',
  '3D000',
  '3F000',
  '42501',
  '42P01',
  '42P05',
]);
/**
 * Classes that count as a whole: connection (08), authorization (28), rollback (40), resources (53), limits (54), state
 * of an object (55), intervention (57), system (58), configuration file (F0), and internal errors (XX), also a pooler's.
 */
const unavailableClasses = new Set(['08', '28', '40', '53', '54', '55', '57', '58', 'F0', 'XX']);

/** SQLSTATEs for text that no text or jsonb column can hold: NUL, lone surrogates, bytes that are not UTF-8. */
const unstorable = new Set(['22021', '22P05', '22P02']);

/** Messages of errors that pg and its pool raise without a code. Only the message identifies them. */
const lostConnection = new Set([
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'The server does not support SSL connections',
  'There was an error establishing an SSL connection',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Query read timeout',
  'Cannot use a pool after calling end on the pool',
]);

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * True if the connection that raised the error must not be used again: it is broken, or its server takes no writes and
 * the address may lead to another server by now.
 */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) {
    return (
      unreachable.has(code) ||
      code.startsWith('ERR_SSL_') ||
      code === readOnly ||
      code.startsWith('08') ||
      code.startsWith('57P')
    );
  }
  return error instanceof Error && lostConnection.has(error.message);
}

/** True if the server rejected the plan of a prepared statement because the types of its columns have changed. */
export function isPlanStale(error: unknown): boolean {
  return codeOf(error) === stalePlan;
}

/** Converts a database error to the BrokerError that callers handle. Returns every other error unchanged. */
export function toBrokerError(error: unknown): unknown {
  const code = codeOf(error);
  const isLost = isConnectionLost(error);
  if (isLost || (code !== undefined && (unavailable.has(code) || unavailableClasses.has(code.slice(0, 2))))) {
    const message =
      isLost && code !== readOnly ? 'The database cannot be reached.' : 'The database cannot do this at the moment.';
    return BrokerError.with('service_unavailable', message, { retry_after: retryAfterSeconds }, error);
  }
  if (code !== undefined && unstorable.has(code)) {
    return invalidRequest({ path: '', message: 'holds characters that cannot be stored' });
  }
  return error;
}

/** True for SQLSTATE 23505 raised by that constraint. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return (
    codeOf(error) === '23505' && error instanceof Error && 'constraint' in error && error.constraint === constraint
  );
}
