import { v7 } from 'uuid';
import type { OrganizationId } from '../../../src/domain/connections/connection.ts';
import { noOrigins } from '../../../src/domain/connections/url-origins.ts';
import type { Postgres } from '../../../src/postgres/postgres.ts';
import { anAuthorization } from '../builders/authorization.ts';
import { aConnection } from '../builders/connection.ts';
import { anEvent } from '../builders/refreshed.ts';
import { storeConnection, storeGrant } from '../builders/stored.ts';

/** Stores rows of an organisation, or of the global scope, in every table that has an organisation. */
export async function storeRowsOf(postgres: Postgres, organizationId: OrganizationId): Promise<void> {
  const connection = await storeConnection(postgres, aConnection(organizationId, `c-${v7()}`));
  const grantId = await storeGrant(postgres, organizationId, connection);
  const [at, by] = [new Date(), 'bootstrap'];
  await postgres.database.write(organizationId, async (stores) => {
    await stores.authorizations.insert(anAuthorization(connection));
    await stores.workflows.register(connection, { id: 'billing', name: null }, at);
    await stores.workflows.disable('billing', { reason: 'No.', by, at });
    await stores.audit.append(anEvent(connection, grantId));
    const consent = { id: v7(), grantId, connectionId: connection.id, connectionName: connection.name };
    const account = { subject: null, accountId: null, accountName: null, scopes: ['read'] };
    await stores.consents.begin({ ...consent, ...account, how: 'import', actor: by, address: null, at });
    const tokens = { id: grantId, organizationId, subject: null, origins: noOrigins, sealedTokens: new Uint8Array(16) };
    await stores.revocations.addTokens(connection, tokens, { now: at, dueAt: at });
  });
  // The links of a connection that is deleted are kept.
  const deleted = await storeConnection(postgres, aConnection(organizationId, `d-${v7()}`));
  await postgres.database.write(organizationId, async ({ authorizations, connections }) => {
    await authorizations.insert(anAuthorization(deleted, { browserHash: 'browser' }));
    await connections.delete(deleted.id);
  });
}
