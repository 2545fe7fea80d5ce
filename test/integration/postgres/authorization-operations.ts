import { v7 } from 'uuid';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { Stores, TransactionStores } from '../../../src/domain/ports/stores.ts';
import type { Postgres } from '../../../src/postgres/postgres.ts';
import { anAuthorization } from '../../support/builders/authorization.ts';
import { record } from './record-operations.ts';
import { waitAndEnd } from './waiting-operations.ts';

/** Runs every operation of the writer of authorizations. */
export async function writeAuthorizations(
  authorizations: TransactionStores['authorizations'],
  connection: Connection,
): Promise<void> {
  const { id } = connection;
  const authorization = anAuthorization(connection);
  await authorizations.insert(authorization);
  await authorizations.find(authorization.stateHash);
  await authorizations.settle(authorization.stateHash, {
    status: 'failed',
    reason: null,
    message: null,
    error: null,
    errorDescription: null,
    account: null,
    details: null,
  });
  await waitAndEnd(authorizations, connection);
  await authorizations.countPendingOf(id, new Date());
  await authorizations.cancelPending(id, undefined, new Date());
  await authorizations.voidAllOf(id, new Date());
}

/** Runs every operation of the reader of authorizations. */
export async function readAuthorizations(authorizations: Stores['authorizations']): Promise<void> {
  await authorizations.find('unknown');
  await authorizations.findBound(v7());
}

/** Runs every operation of the store that links and callbacks use. */
export async function authorize(
  postgres: Postgres,
  connection: Connection,
  called: Map<string, boolean>,
): Promise<void> {
  const authorization = anAuthorization(connection);
  await postgres.database.write('acme', (stores) => stores.authorizations.insert(authorization));
  const authorizations = record('authorizations', postgres.authorizations, called);
  await authorizations.find(authorization.stateHash);
  await authorizations.bind(authorization.stateHash, 'browser', new Date());
  const consumed = await authorizations.consume(
    authorization.stateHash,
    { browserHash: 'browser', callbackHash: 'c' },
    new Date(),
  );
  if (consumed === undefined) throw new Error('the authorization was not there to consume');
  await authorizations.findDeleted(authorization.stateHash);
  await authorizations.listOverdue(new Date(), 1);
  await authorizations.purge(new Date(0));
}
