import { createDeleteGrant } from '../grants/delete-grant.ts';
import { createGetGrant } from '../grants/get-grant.ts';
import { createViewGrant } from '../grants/grant-view.ts';
import { createImportGrant } from '../grants/import-grant.ts';
import { createListGrants } from '../grants/list-grants.ts';
import { createRevokeGrants } from '../grants/revoke-grants.ts';
import { createStoreGrant } from '../grants/store-grant.ts';
import { createStoreImported } from '../grants/store-imported.ts';
import { createTestConnection } from '../grants/test-connection.ts';
import { createVerifyGrant } from '../grants/verify-grant.ts';
import { createImportGrants } from '../import/import-grants.ts';
import type { BrokerPorts, BrokerSettings } from './broker-ports.ts';
import type { createEngine } from './create-engine.ts';
import type { createRevocations } from './create-revocations.ts';

/** Builds the use cases that list, import, revoke, delete and test grants. */
export function createGrants(
  ports: BrokerPorts,
  settings: BrokerSettings,
  { getCredentialToTest, refreshGrant }: Pick<ReturnType<typeof createEngine>, 'getCredentialToTest' | 'refreshGrant'>,
  { revokeAtOnce }: Pick<ReturnType<typeof createRevocations>, 'revokeAtOnce'>,
) {
  const { database, oauth, catalogue, cipher, newId, clock } = ports;
  const viewGrant = createViewGrant(settings, clock);
  const testConnection = createTestConnection({ database, getCredential: getCredentialToTest, oauth, cipher, clock });
  const storeGrant = createStoreGrant({ cipher, newId });
  const storeImported = createStoreImported({ catalogue, oauth, storeGrant, clock });
  const { callsTokenEndpoints } = settings;
  const verifyGrant = createVerifyGrant({ refreshGrant, testConnection, callsTokenEndpoints });
  return {
    listGrants: createListGrants({ database, viewGrant }),
    getGrant: createGetGrant({ database, viewGrant }),
    deleteGrant: createDeleteGrant({ database, clock }),
    importGrant: createImportGrant({ database, storeImported, verifyGrant, viewGrant }),
    importGrants: createImportGrants({ database, storeImported, verifyGrant, cipher, clock }),
    revokeGrants: createRevokeGrants({ database, oauth, revokeAtOnce, clock }),
    testConnection,
  };
}
