import { type FailureClass, ProviderFailure } from '../domain/provider-failure.ts';

/** Failures of a call that brought no answer. Messages are ours; nothing of the library's error goes along. */
export function networkFailure(error: unknown, sent: boolean, withCertificate = false): ProviderFailure {
  const code = codeOf(error);
  if (code === 'ADDRESS_REFUSED')
    return refusedBeforeSending("The provider's name resolves to an address that may not be reached.");
  if (code === 'UND_ERR_INVALID_ARG') return refusedBeforeSending('The request to the provider could not be written.');
  const message = messageFor(code, sent);
  // TLS 1.3 tells a client that its certificate is refused only after the first request was written, and often not at all.
  const hint = withCertificate && sent && message === broken ? ' It may have refused the client certificate.' : '';
  return failure('transient', message + hint, sent);
}

export function timedOut(sent: boolean): ProviderFailure {
  return failure(
    'transient',
    sent ? 'The provider did not answer in time.' : 'The provider could not be reached in time.',
    sent,
  );
}

/** A body that is encoded, oversized, cut off or in no known form: the request may have been granted all the same. */
export function unreadable(status: number | null = null): ProviderFailure {
  return failure('transient', 'The provider sent an answer that cannot be read.', true, status);
}

/** Our own rules stopped the call; repeating it would be stopped again. */
export function refusedBeforeSending(message: string): ProviderFailure {
  return failure('refused', message, false);
}

/**
 * The call was not made, for what earlier calls told of the endpoint. Unlike any other failure that was never sent it
 * says how long to stay away.
 */
export function heldBack(
  failureClass: 'transient' | 'throttled',
  message: string,
  retryAfterMs: number,
): ProviderFailure {
  return failure(failureClass, message, false, null, retryAfterMs);
}

function failure(
  failureClass: FailureClass,
  message: string,
  sent: boolean,
  httpStatus: number | null = null,
  retryAfterMs: number | null = null,
): ProviderFailure {
  return new ProviderFailure(message, {
    class: failureClass,
    sent,
    answered: false,
    oauthError: null,
    httpStatus,
    retryAfterMs,
  });
}

const broken = 'The connection to the provider broke before it answered.';

function messageFor(code: string, sent: boolean): string {
  if (isOwnCertificateRefused(code)) {
    return `The provider refused the client certificate of this connection (${code}).`;
  }
  if (sent) return broken;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return "The provider's host name could not be resolved.";
  if (code === 'ECONNREFUSED') return 'The provider refused the connection.';
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'The provider could not be reached in time.';
  if (isTlsCode(code)) return `The provider's TLS certificate could not be verified (${code}).`;
  return 'The provider could not be reached.';
}

function isTlsCode(code: string): boolean {
  return /^[A-Z_]{1,60}$/.test(code) && /CERT|SIGNATURE|SSL|TLS|CRL/.test(code);
}

/** TLS alerts by which a server refuses a client's certificate (RFC 8446 §6.2), as OpenSSL names them. */
function isOwnCertificateRefused(code: string): boolean {
  return /^ERR_SSL_[\w/]{1,20}_ALERT_(CERTIFICATE_\w{1,30}|\w{1,20}_CERTIFICATE|UNKNOWN_CA)$/.test(code);
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : '';
}
