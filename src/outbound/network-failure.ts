import { type AddressFault, type FailureClass, ProviderFailure, unusableAddress } from '../domain/provider-failure.ts';

/** Converts an error of the HTTP library, when no response arrived. The library's own message and cause are dropped. */
export function networkFailure(error: unknown, sent: boolean, withCertificate = false): ProviderFailure {
  const code = codeOf(error);
  if (code === 'ADDRESS_REFUSED') return unusable('forbidden');
  if (!sent && (code === 'ENOTFOUND' || code === 'EAI_AGAIN')) return unusable('unresolved');
  if (code === 'UND_ERR_INVALID_ARG') return refusedBeforeSending('The request to the provider could not be written.');
  const message = messageFor(code, sent);
  // Under TLS 1.3 a refusal of the client certificate arrives after the first request was written, or not at all.
  const mayBeCertificate = withCertificate && sent && message === brokenConnection;
  const hint = mayBeCertificate ? ' It may have refused the client certificate.' : '';
  return sent ? answerLost(message + hint) : failure('transient', message, false);
}

export function timedOut(sent: boolean): ProviderFailure {
  return sent
    ? answerLost('The provider did not answer in time.')
    : failure('transient', 'The provider could not be reached in time.', false);
}

/**
 * Failure for an encoded, oversized, incomplete or unknown body. The provider may have granted the request. `isLost`:
 * the body broke off, so its rest can never arrive.
 */
export function unreadable(status: number | null = null, isLost = false): ProviderFailure {
  const message = 'The provider sent an answer that cannot be read.';
  return isLost ? answerLost(message, status) : failure('transient', message, true, status);
}

/** Failure for a request that was sent and whose answer can no longer arrive. */
function answerLost(message: string, status: number | null = null): ProviderFailure {
  const { facts } = failure('transient', message, true, status);
  return new ProviderFailure(message, { ...facts, lost: true });
}

/** Failure for a name without a usable address. A name that does not resolve may do so later; a forbidden one may not. */
function unusable(addressFault: AddressFault): ProviderFailure {
  const { facts } = failure(addressFault === 'forbidden' ? 'refused' : 'transient', unusableAddress, false);
  return new ProviderFailure(unusableAddress, { ...facts, addressFault });
}

/** Failure for a call that the broker's own rules stopped. Repeating the call fails in the same way. */
export function refusedBeforeSending(message: string): ProviderFailure {
  return failure('refused', message, false);
}

/**
 * Failure for a call that was not made because of earlier results of its endpoint. It is the only unsent failure with a
 * `retryAfterMs`.
 */
export function heldBack(
  failureClass: 'transient' | 'throttled',
  message: string,
  retryAfterMs: number,
): ProviderFailure {
  return failure(failureClass, message, false, null, retryAfterMs);
}

/** Checks whether a failure is one of `heldBack`. */
export function isHeldBack({ facts }: ProviderFailure): boolean {
  return !facts.sent && facts.retryAfterMs !== null;
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
    description: null,
    httpStatus,
    retryAfterMs,
  });
}

const brokenConnection = 'The connection to the provider broke before it answered.';

function messageFor(code: string, sent: boolean): string {
  if (isClientCertificateRefused(code)) {
    return `The provider refused the client certificate of this connection (${code}).`;
  }
  if (sent) return brokenConnection;
  if (code === 'PROXY_REFUSED') return 'The proxy opened no connection to the provider.';
  if (code === 'ECONNREFUSED') return 'The provider refused the connection.';
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'The provider could not be reached in time.';
  if (isTlsCode(code)) return `The provider's TLS certificate could not be verified (${code}).`;
  return 'The provider could not be reached.';
}

function isTlsCode(code: string): boolean {
  return /^[A-Z_]{1,60}$/.test(code) && /CERT|SIGNATURE|SSL|TLS|CRL/.test(code);
}

/** Matches OpenSSL's names of the TLS alerts by which a server refuses a client certificate (RFC 8446 §6.2). */
function isClientCertificateRefused(code: string): boolean {
  return /^ERR_SSL_[\w/]{1,20}_ALERT_(CERTIFICATE_\w{1,30}|\w{1,20}_CERTIFICATE|UNKNOWN_CA)$/.test(code);
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : '';
}
