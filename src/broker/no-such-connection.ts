import { BrokerError } from '../domain/errors.ts';

/** One refusal for absent, another organisation's, and global where only an own connection will do: they must not be told apart. */
export function noSuchConnection(name: string): BrokerError<'connection_not_found'> {
  return BrokerError.of('connection_not_found', `There is no connection named ${name}.`);
}
