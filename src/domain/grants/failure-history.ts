import {
  descriptionOf,
  type FailureClass,
  type ProviderFailure,
  type ProviderFailureFacts,
} from '../provider-failure.ts';
import type { Grant, LastError } from './grant.ts';

/** Earlier failures of a grant, as far as they decide the effect of the next one. */
export type FailureHistory = Pick<Grant, 'statusReason' | 'retryAt' | 'metadata' | 'failingSince' | 'lastError'>;

/** History of a grant that nothing has failed yet. */
export const noFailures: FailureHistory = {
  statusReason: null,
  retryAt: null,
  metadata: null,
  failingSince: null,
  lastError: null,
};

/** Class of failures that count together. A call that our own rules stop ends as the provider's outage does. */
export function kindOf(failureClass: FailureClass): FailureClass {
  return failureClass === 'refused' ? 'transient' : failureClass;
}

/** Consecutive failures of this kind before the present one. */
export function failuresBefore({ lastError }: FailureHistory, failureClass: FailureClass): number {
  if (lastError === null || kindOf(lastError.class) !== kindOf(failureClass)) return 0;
  return lastError.attempts;
}

/** Returns the failure to keep with the grant; null if no call was made, which says nothing about the grant. */
export function lastErrorOf(grant: FailureHistory, failure: ProviderFailure, now: Date): LastError | null {
  const { facts } = failure;
  if (isHeldBack(facts)) return null;
  return {
    class: facts.class,
    error: facts.oauthError,
    errorDescription: descriptionOf(failure),
    httpStatus: facts.httpStatus,
    at: now,
    attempts: failuresBefore(grant, facts.class) + 1,
  };
}

/** Checks whether the call was held back because other calls failed, which is no evidence about this grant. */
export function isHeldBack(failure: ProviderFailureFacts): boolean {
  return !failure.sent && failure.retryAfterMs !== null;
}
