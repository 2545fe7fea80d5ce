import type { Authorization } from './authorization.ts';
import { type FailureCause, nextActionOfCause } from './authorization-outcome.ts';
import type { Connection } from './connections/connection.ts';
import type { LastError } from './grants/grant.ts';
import type { NextAction } from './next-action.ts';

/** Failure of an authorization, as the connection without a grant shows it. */
export interface FailedAuthorization {
  cause: FailureCause;
  /** Time of the failed token request; without one, the start of the authorization. */
  at: Date;
  /** Response to the failed token request; null if no token request failed. */
  lastError: LastError | null;
}

/** Returns null for an authorization whose callback did not fail. */
export function failedAuthorization({
  details,
  error,
  errorDescription,
  createdAt,
}: Pick<Authorization, 'details' | 'error' | 'errorDescription' | 'createdAt'>): FailedAuthorization | null {
  if (details?.kind !== 'failed') return null;
  const { cause, exchange } = details;
  return {
    cause,
    at: exchange?.at ?? createdAt,
    lastError: exchange && { ...exchange, error, errorDescription, attempts: 1 },
  };
}

/** Decides who must act after a failed authorization. An edit since then may have mended the connection. */
export function nextActionOfFailure(
  failure: FailedAuthorization | null,
  { updatedAt }: Pick<Connection, 'updatedAt'>,
): NextAction | null {
  if (failure === null) return null;
  return updatedAt > failure.at ? 'authorize' : nextActionOfCause[failure.cause];
}
