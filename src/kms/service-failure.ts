import { KeyFailure } from '../domain/ports/keys.ts';
import type { ServiceResponse } from './service-call.ts';

/** Code of a failure in a documented answer: letters only. Other texts of an answer are not repeated. */
const codePattern = /^[A-Za-z_]{1,60}$/;

/** Converts an answer other than success. `work` says what was refused, `code` is the service's own word for it. */
export function failureOf({ status }: ServiceResponse, work: string, code?: string): KeyFailure {
  const shown = code !== undefined && codePattern.test(code) ? `${status} ${code}` : String(status);
  if (status === 408 || status === 429 || status >= 500) {
    return new KeyFailure('unreachable', `${work} failed for now (${shown}).`);
  }
  if (status >= 300 && status < 400) {
    return new KeyFailure('refused', `${work} was redirected (${shown}), and redirects are not followed.`);
  }
  const reason = { 401: 'the credentials are not accepted', 403: 'permission denied', 404: 'not found' }[status];
  return new KeyFailure('refused', `${work} was refused: ${reason ?? 'the request is not accepted'} (${shown}).`);
}

export function isSuccess({ status }: ServiceResponse): boolean {
  return status >= 200 && status < 300;
}

/** Another key wrapped the value, or the value or its context was changed. */
export function mismatch(): KeyFailure {
  return new KeyFailure('mismatch', 'The key does not open the value.');
}
