import pg from 'pg';
import { afterAll, describe } from 'vitest';
import type { AuditEvent } from '../../src/domain/audit.ts';
import { aConnection } from '../support/builders/connection.ts';
import { storeConnection } from '../support/builders/stored.ts';
import { openTestStores, type TestStores } from '../support/postgres/stores.ts';
import { describeApiKeys } from './api-keys.ts';
import { describeAuthorizations } from './authorizations.ts';
import { describeClientPauses } from './client-pauses.ts';
import { describeClientSecrets } from './client-secrets.ts';
import { describeConfirmations } from './confirmations.ts';
import { describeConnectionStatus } from './connection-status.ts';
import { describeConnections } from './connections.ts';
import { describeConsents } from './consents.ts';
import { describeConsoleSessions } from './console-sessions.ts';
import { describeCredentials } from './credentials.ts';
import { describeDataKeys } from './data-keys.ts';
import { describeDatabase } from './database.ts';
import { describeGrantTests } from './grant-tests.ts';
import { describeGrants } from './grants.ts';
import { describeGrantsOfConnection } from './grants-of-connection.ts';
import { describeRefreshFailures } from './refresh-failures.ts';
import { describeRefreshes } from './refreshes.ts';
import { describeRevocations } from './revocations.ts';
import { describeSignals } from './signals.ts';
import type { OpenedStores } from './stores.ts';
import { describeTenants } from './tenants.ts';
import { describeWorkflows } from './workflows.ts';

/** One database for every suite; each uses names of its own. */
let shared: Promise<OpenedStores & TestStores> | undefined;

const open = async () => {
  shared ??= openPostgres();
  return { ...(await shared), end: async () => {} };
};
afterAll(async () => (await shared)?.end());

async function openPostgres(): Promise<OpenedStores & TestStores> {
  const stores = await openTestStores();
  await stores.listener.start();
  const client = new pg.Client({ connectionString: stores.url });
  await client.connect();
  return {
    ...stores,
    auditOf: async (grantId) => {
      const { rows } = await client.query<AuditEvent>(
        `select time, actor, action, organization_id as "organizationId", connection_id as "connectionId",
           connection_name as "connectionName", grant_id as "grantId", outcome, details, request_id as "requestId", address
         from audit_events where grant_id = $1 order by time, id`,
        [grantId],
      );
      return rows;
    },
    end: async () => {
      await client.end();
      await stores.end();
    },
  };
}

describe('on Postgres', () => {
  describeDatabase(open);
  describeConnections(open);
  describeConsents(open);
  describeConnectionStatus(open);
  describeAuthorizations(open);
  describeConfirmations(open);
  describeGrants(open);
  describeGrantTests(open);
  describeGrantsOfConnection(open);
  describeCredentials(open);
  describeRefreshes(open);
  describeRefreshFailures(open);
  describeClientPauses(open);
  describeClientSecrets(open);
  describeRevocations(open);
  describeSignals(open);
  describeTenants(open);
  describeWorkflows(open);
  describeApiKeys(async () => (await open()).apiKeys);
  describeConsoleSessions(async () => {
    const { consoleSessions: sessions, audit } = await open();
    const reach = { organizations: '*', global: true } as const;
    const actionsOf = async (actor: string) => {
      const { events } = await audit.list({ reach, actor }, { limit: 10 });
      return events.map(({ action }) => action).toReversed();
    };
    return { sessions, actionsOf };
  });
  describe('in a database of its own', () => {
    let empty: TestStores | undefined;
    afterAll(() => empty?.end());
    describeDataKeys(async () => {
      const stores = await openTestStores();
      empty = stores;
      return {
        dataKeys: stores.dataKeys,
        storeSealedValue: async () => void (await storeConnection(stores, aConnection('acme', 'sealed'))),
      };
    });
  });
});
