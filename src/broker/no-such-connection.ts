import { BrokerError } from '../domain/errors.ts';

/**
 * Builds one refusal for three cases that a caller must not distinguish: absent, of another organisation, and global.
 */
export function noSuchConnection(name: string): BrokerError<'connection_not_found'> {
  return BrokerError.of('connection_not_found', `There is no connection named ${name}.`);
}
