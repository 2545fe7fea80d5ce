import { type ErrorFacts, errorChain } from './error-chain.ts';
import { explainNetwork, hostDoesNotAnswer, isTlsFailure, isUnknownAuthority } from './explain-network.ts';

/** Keys: SQLSTATE, or code of Node.js. */
const byCode: Readonly<Record<string, string>> = {
  '28P01': 'the user or the password is wrong',
  '28000':
    'the server does not admit this user from here (pg_hba.conf): check the user, and whether it requires TLS (sslmode) or a client certificate (sslcert)',
  '3D000': 'the database does not exist: check its name after the last /, or create it',
  '42501': 'the user lacks a privilege on the database or its tables: grant it',
  '53300': 'the server has no free connection: lower DATABASE_POOL_MAX, or raise max_connections',
  '57P03': 'the server is starting, or shuts down',
  '08P01': 'the server or pooler refuses the connection: check user, password and database',
  ECONNRESET: 'the server ended the connection: check the port, and whether it requires TLS (sslmode)',
  EPIPE: 'the server ended the connection: check the port, and whether it requires TLS (sslmode)',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'the certificate of the server is for another host: name that host, or write sslmode=verify-ca',
};

/** Messages of pg, whose errors have no code. */
const byMessage: Readonly<Record<string, string>> = {
  'The server does not support SSL connections': 'the server has no TLS: enable it there, or write sslmode=disable',
  'There was an error establishing an SSL connection': 'the port does not answer like PostgreSQL: check host and port',
  'Connection terminated unexpectedly':
    'the server ended the connection: check the port, and whether it requires TLS (sslmode)',
  'timeout exceeded when trying to connect': hostDoesNotAnswer,
  'timeout expired': hostDoesNotAnswer,
  'Connection terminated due to connection timeout': hostDoesNotAnswer,
};

/**
 * Says which part of a database URL to check after a failure, without quoting the URL. Undefined if the failure says
 * nothing about it.
 */
export function explainDatabase(error: unknown): string | undefined {
  for (const facts of errorChain(error)) {
    const explained =
      ofFiles(facts) ??
      byCode[facts.code] ??
      explainNetwork(facts) ??
      ofCertificates(facts) ??
      byMessage[facts.message];
    if (explained !== undefined) return explained;
  }
  return isPasswordMissing(error) ? 'the server requires a password, and the URL has none' : undefined;
}

/** True if no retry helps. */
export function isPasswordMissing(error: unknown): boolean {
  return errorChain(error).some(({ message }) => /^SASL: .*password must be a/.test(message));
}

function ofFiles({ code, syscall }: ErrorFacts): string | undefined {
  if (code !== 'ENOENT' && code !== 'EACCES') return undefined;
  if (syscall === 'open') return 'a certificate file cannot be read: check sslrootcert, sslcert and sslkey';
  return code === 'ENOENT'
    ? 'the socket folder holds no socket of a server: check host and port, and that the server runs'
    : 'the socket may not be opened by this user: check host, and the permissions of the folder';
}

function ofCertificates(facts: ErrorFacts): string | undefined {
  if (isUnknownAuthority(facts)) {
    return 'the certificate of the server is not signed by a known CA: name the file of its CA with sslrootcert';
  }
  return isTlsFailure(facts) ? 'the TLS handshake failed: check the port, sslcert and sslkey' : undefined;
}
