import { Signer } from '@fastify/cookie';
import { BrokerError } from '../../domain/errors.ts';

/** Keys may change while the service runs: the first signs, all verify. Throws service_unavailable during the start. */
export function cookieSigner([first, ...others]: readonly string[]): Signer {
  // Without keys no cookie can be recognised: a browser must not take that for the end of its session.
  if (first === undefined)
    throw BrokerError.with('service_unavailable', 'The service is starting.', { retry_after: 2 });
  return new Signer([first, ...others]);
}
