import { BrokerError, invalidRequest } from '../domain/errors.ts';

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
]);

/**
 * SQLSTATEs that say the server cannot serve now, though the statement may be fine: shutdown and crash, cancelled by
 * the statement timeout, deadlock, read-only after a failover, and a database or role that is not (yet, or any longer)
 * there. Classes 08 (connection), 53 (resources) and 58 (system) count as a whole.
 */
const unavailable = new Set([
  '57014',
  '57P01',
  '57P02',
  '57P03',
  '57P04',
  '57P05',
  '40001',
  '40P01',
  '25006',
  '3D000',
  '28000',
  '28P01',
  '42P01',
]);
const unavailableClasses = new Set(['08', '53', '58']);

/** Text that no text or jsonb column can hold: NUL, lone surrogates, bytes that are not UTF-8. */
const unstorable = new Set(['22021', '22P05', '22P02']);

/** pg and its pool raise these as bare errors; the text is all there is to know them by. */
const lostConnection = new Set([
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Connection terminated',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'Query read timeout',
  'Cannot use a pool after calling end on the pool',
]);

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** True where the connection the error came over must not be used again. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return unreachable.has(code) || code.startsWith('08') || code.startsWith('57P');
  return error instanceof Error && lostConnection.has(error.message);
}

/** What the rest of the broker understands of a database error; one it need not understand comes back as it is. */
export function toBrokerError(error: unknown): unknown {
  const code = codeOf(error);
  if (
    isConnectionLost(error) ||
    (code !== undefined && (unavailable.has(code) || unavailableClasses.has(code.slice(0, 2))))
  ) {
    return BrokerError.with(
      'service_unavailable',
      'The database cannot be reached.',
      { retry_after: retryAfterSeconds },
      error,
    );
  }
  if (code !== undefined && unstorable.has(code)) {
    return invalidRequest({ path: '', message: 'holds characters that cannot be stored' });
  }
  return error;
}

/** 23505 on that constraint. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return (
    codeOf(error) === '23505' && error instanceof Error && 'constraint' in error && error.constraint === constraint
  );
}
