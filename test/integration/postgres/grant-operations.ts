import { v7 } from 'uuid';
import type { Connection } from '../../../src/domain/connections/connection.ts';
import type { Stores, TransactionStores } from '../../../src/domain/ports/stores.ts';
import type { Postgres } from '../../../src/postgres/postgres.ts';
import { anArrival } from '../../support/builders/grant.ts';

/** Runs every operation of the writer of grants. */
export async function writeGrants(grants: TransactionStores['grants'], connection: Connection): Promise<void> {
  const { id: connectionId } = connection;
  const slot = { connectionId, subject: 'ann', accountId: null };
  const arrival = anArrival(connection, { subject: 'ann' });
  const now = new Date();
  const id = v7();
  await grants.insert(id, arrival);
  await grants.lockSlot(slot);
  await grants.lockMatching(connectionId, 'ann', null);
  await grants.replace(id, arrival);
  await grants.recordTest(id, { at: now, health: 'healthy', error: null });
  await grants.listAllOf(connectionId);
  await grants.maxAccountsPerSubject(connectionId);
  await grants.setMultiAccount(connectionId, false);
  await grants.putFailed(id, slot, {
    reason: 'client_rejected',
    message: 'No.',
    retryAt: null,
    origins: { testUrl: null, revocationUrl: null },
    now,
  });
  await grants.liftClientRejection(connectionId, now);
  await grants.countWorkingOf(connectionId);
  await grants.dropAllOf(connectionId, now);
  await grants.revoke(id, { by: 'bootstrap', reason: null, now });
  await grants.delete(id);
}

/** Runs every operation of the reader of grants. */
export async function readGrants(grants: Stores['grants'], { id }: Connection): Promise<void> {
  await grants.list(id, { limit: 1 });
  await grants.find(id, id);
  await grants.findMatching({ connectionId: id, subject: null, accountId: null }, 2);
  await grants.findSlot({ connectionId: id, subject: null, accountId: null });
}

/** One call for each prepared statement of the lookup. */
export async function fetchCredentials({ credentials }: Postgres, { name: connectionName }: Connection): Promise<void> {
  for (const organizationId of ['acme', null]) {
    for (const subject of ['ann', null]) {
      for (const accountId of ['account', null]) {
        await credentials.findStored({ organizationId, connectionName, subject, accountId });
      }
    }
  }
}
