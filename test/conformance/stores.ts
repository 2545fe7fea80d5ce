import type { AuditEvent } from '../../src/domain/audit.ts';
import type { ConsentReader } from '../../src/domain/ports/audit.ts';
import type { AuthorizationLookup } from '../../src/domain/ports/callers.ts';
import type { ClientSecretStore } from '../../src/domain/ports/client-secrets.ts';
import type { CredentialLookup, GrantSignals, RefreshStore } from '../../src/domain/ports/engine.ts';
import type { RevocationStore } from '../../src/domain/ports/maintenance/revocations.ts';
import type { Database } from '../../src/domain/ports/stores.ts';
import type { WorkflowStates } from '../../src/domain/ports/workflows.ts';

/** The stores of one database, as a suite uses them. */
export interface OpenedStores {
  database: Database;
  authorizations: AuthorizationLookup;
  credentials: CredentialLookup;
  refreshes: RefreshStore;
  clientSecrets: ClientSecretStore;
  signals: GrantSignals;
  consents: ConsentReader;
  revocations: RevocationStore;
  workflowStates: WorkflowStates;
  /** The audit events of one grant; no port reads them. */
  auditOf(grantId: string): Promise<AuditEvent[]>;
  end(): Promise<void>;
}

export type OpenStores = () => Promise<OpenedStores>;
