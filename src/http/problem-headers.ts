import type { BrokerError } from '../domain/errors.ts';

/** Seconds for the Retry-After header, rounded up, at least 1: zero would invite an immediate retry. */
export function retryAfterSeconds(error: BrokerError): number | undefined {
  const seconds = 'retry_after' in error.details ? error.details.retry_after : undefined;
  return seconds === undefined ? undefined : Math.max(1, Math.ceil(seconds));
}

export function headersOf(error: BrokerError): Record<string, string> {
  const retryAfter = retryAfterSeconds(error);
  return {
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    // RFC 9110 §15.5.6: a 405 response lists the methods of the path.
    ...('allow' in error.details ? { allow: error.details.allow.join(', ') } : {}),
    // RFC 9110 §11.6.1: a 401 response carries at least one challenge.
    ...(error.code === 'unauthorized' ? { 'www-authenticate': 'Bearer realm="token-broker"' } : {}),
  };
}
