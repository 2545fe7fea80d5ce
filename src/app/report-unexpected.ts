import { isBrokerError } from '../domain/errors.ts';

/** Ignores service_unavailable: the work is repeated, and the queue and database connections log their own loss. */
export function reportUnexpected(onError: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    if (!isBrokerError(error, 'service_unavailable')) onError(error);
  };
}
