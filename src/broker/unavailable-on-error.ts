import { BrokerError, isBrokerError } from '../domain/errors.ts';

const retryAfterSeconds = 5;

/**
 * Runs work that follows a response of a provider. An error that is no BrokerError becomes service_unavailable with that
 * cause: the provider has done its part, so the caller tries again and no fault of the caller is to blame.
 */
export async function unavailableOnError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isBrokerError(error)) throw error;
    const message = 'The response of the provider could not be stored.';
    throw BrokerError.with('service_unavailable', message, { retry_after: retryAfterSeconds }, error);
  }
}
