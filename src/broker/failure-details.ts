import type { AuditEvent } from '../domain/audit.ts';
import { descriptionOf, type ProviderFailure } from '../domain/provider-failure.ts';

/** Builds the details of the audit event of a failed token request. `attempts`: null if the call was never made. */
export function failureDetails(failure: ProviderFailure, attempts: number | null): AuditEvent['details'] {
  const { facts } = failure;
  return {
    class: facts.class,
    error: facts.oauthError,
    error_description: descriptionOf(failure),
    http_status: facts.httpStatus,
    attempts,
  };
}
