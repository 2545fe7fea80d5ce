import { describe } from 'vitest';
import { createMemoryApiKeys } from '../support/memory/api-keys.ts';
import { createMemoryCipher } from '../support/memory/cipher.ts';
import { createMemoryDataKeys } from '../support/memory/data-keys.ts';
import { createMemoryQueue } from '../support/memory/queue.ts';
import { createMemorySessions } from '../support/memory/sessions.ts';
import { createMemorySpool } from '../support/memory/spool.ts';
import { createMemoryStores } from '../support/memory/stores/stores.ts';
import { describeApiKeys } from './api-keys.ts';
import { describeAuthorizations } from './authorizations.ts';
import { describeCipher } from './cipher.ts';
import { describeClientPauses } from './client-pauses.ts';
import { describeClientSecrets } from './client-secrets.ts';
import { describeConfirmations } from './confirmations.ts';
import { describeConnectionStatus } from './connection-status.ts';
import { describeConnections } from './connections.ts';
import { describeConsents } from './consents.ts';
import { describeConsoleSessions } from './console-sessions.ts';
import { describeCredentials } from './credentials.ts';
import { describeDataKeys, type OpenedDataKeys } from './data-keys.ts';
import { describeDatabase } from './database.ts';
import { describeGrantTests } from './grant-tests.ts';
import { describeGrants } from './grants.ts';
import { describeGrantsOfConnection } from './grants-of-connection.ts';
import { describeRefreshFailures } from './refresh-failures.ts';
import { describeRefreshQueue, type OpenedQueue } from './refresh-queue.ts';
import { describeRefreshes } from './refreshes.ts';
import { describeRevocations } from './revocations.ts';
import { describeSignals } from './signals.ts';
import { describeSpool, type OpenedSpool } from './spool.ts';
import type { OpenStores } from './stores.ts';
import { describeTenants } from './tenants.ts';
import { describeWorkflows } from './workflows.ts';

const open: OpenStores = async () => {
  const stores = createMemoryStores();
  return {
    ...stores,
    auditOf: async (grantId) => stores.rows.audit.filter((event) => event.grantId === grantId),
    end: async () => {},
  };
};

async function openDataKeys(): Promise<OpenedDataKeys> {
  const dataKeys = createMemoryDataKeys();
  return {
    dataKeys,
    storeSealedValue: async () => {
      dataKeys.sealedData = true;
    },
  };
}

async function openSpool(): Promise<OpenedSpool> {
  const spool = createMemorySpool();
  return { reopen: () => spool, end: async () => {} };
}

async function openQueue(): Promise<OpenedQueue> {
  const queue = createMemoryQueue();
  const refreshed: string[] = [];
  const refreshedAhead: string[] = [];
  return {
    queue,
    other: queue,
    work: async (refresh) =>
      queue.work({
        refresh: async (grantId) => {
          refreshed.push(grantId);
          await refresh();
        },
        refreshAhead: async ({ grantId, version }) => void refreshedAhead.push(`${grantId} ${version}`),
      }),
    refreshed: () => refreshed,
    refreshedAhead: () => refreshedAhead,
    end: async () => {},
  };
}

describe('in memory', () => {
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
  describeApiKeys(async () => createMemoryApiKeys());
  describeConsoleSessions(async () => {
    const sessions = createMemorySessions();
    const of = (actor: string) => sessions.audit.filter((event) => event.actor === actor);
    return { sessions, actionsOf: async (actor) => of(actor).map(({ action }) => action) };
  });
  describeDataKeys(openDataKeys);
  describeCipher(async () => createMemoryCipher());
  describeSpool(openSpool);
  describeRefreshQueue(openQueue);
});
