import type { OrganizationId } from '../../../../src/domain/connections/connection.ts';
import type { AuditReader, ConsentReader } from '../../../../src/domain/ports/audit.ts';
import type { AuthorizationLookup } from '../../../../src/domain/ports/callers.ts';
import type { ClientSecretStore } from '../../../../src/domain/ports/client-secrets.ts';
import type { CredentialLookup, GrantSignals, RefreshStore } from '../../../../src/domain/ports/engine.ts';
import type { RevocationStore } from '../../../../src/domain/ports/maintenance/revocations.ts';
import type { Database, TransactionStores } from '../../../../src/domain/ports/stores.ts';
import type { WorkflowStates } from '../../../../src/domain/ports/workflows.ts';
import { createMemoryAuditReader } from './audit.ts';
import { createMemoryAuthorizationLookup, createMemoryAuthorizations } from './authorizations.ts';
import { createMemoryClientSecrets } from './client-secrets.ts';
import { createMemoryConnections } from './connections.ts';
import { createMemoryConsents, listConsents } from './consents.ts';
import { createMemoryCredentials } from './credentials.ts';
import { createMemoryGrants } from './grants.ts';
import { createMemoryRefreshes } from './refreshes.ts';
import { createMemoryRevocations, createMemoryRevocationWriter } from './revocations.ts';
import { createMemorySignals } from './signals.ts';
import { createMemoryState, type MemoryRows } from './state.ts';
import { createMemoryWorkflowStates, createMemoryWorkflows } from './workflows.ts';

export interface MemoryStores {
  database: Database;
  authorizations: AuthorizationLookup;
  credentials: CredentialLookup;
  refreshes: RefreshStore;
  clientSecrets: ClientSecretStore;
  signals: GrantSignals;
  consents: ConsentReader;
  revocations: RevocationStore;
  audit: AuditReader;
  workflowStates: WorkflowStates;
  rows: MemoryRows;
}

/** The stores of one database, over plain maps. The clock stands for the database's own. */
export function createMemoryStores(clock: () => Date = () => new Date()): MemoryStores {
  const state = createMemoryState();
  const storesOf = (rows: MemoryRows, organizationId: OrganizationId): TransactionStores => ({
    connections: createMemoryConnections(rows, organizationId, clock),
    grants: createMemoryGrants(rows, organizationId),
    authorizations: createMemoryAuthorizations(rows, organizationId),
    audit: { append: async (event) => void rows.audit.push({ ...event, organizationId }) },
    consents: createMemoryConsents(rows, organizationId),
    workflows: createMemoryWorkflows(rows, organizationId),
    revocations: createMemoryRevocationWriter(rows, organizationId),
  });
  return {
    rows: state.rows,
    database: {
      read: (organizationId) => storesOf(state.rows, organizationId),
      write: (organizationId, work) => state.write((draft) => work(storesOf(draft, organizationId))),
      writeReserved: (organizationId, work) => state.write((draft) => work(storesOf(draft, organizationId))),
    },
    authorizations: createMemoryAuthorizationLookup(state),
    credentials: createMemoryCredentials(state),
    refreshes: createMemoryRefreshes(state, clock),
    clientSecrets: createMemoryClientSecrets(state),
    signals: createMemorySignals(state),
    revocations: createMemoryRevocations(state),
    workflowStates: createMemoryWorkflowStates(state.rows),
    audit: createMemoryAuditReader(state),
    consents: { listOfGrant: async (grantId) => listConsents(state.rows, grantId) },
  };
}
