import type { ApiKey } from '../../domain/callers/api-key.ts';
import type { ConsoleRole } from '../../domain/callers/console-role.ts';
import type { OnFetch } from '../../domain/grants/credential-fetch.ts';
import type { RefreshSchedule } from '../../domain/grants/refresh-policy.ts';
import type { AuditReader, ConsentReader } from '../../domain/ports/audit.ts';
import type { ApiKeyStore, AuthorizationLookup, ConsoleSessions } from '../../domain/ports/callers.ts';
import type { Cipher } from '../../domain/ports/cipher.ts';
import type { ClientSecretStore, SecretFingerprints } from '../../domain/ports/client-secrets.ts';
import type {
  CredentialLookup,
  GrantSignals,
  RefreshFailure,
  RefreshStore,
  SiblingStores,
} from '../../domain/ports/engine.ts';
import type { FleetCounts, FleetReader } from '../../domain/ports/fleet.ts';
import type { DataKeyMaker, DataKeyStore, KeyBackupStore, KeyEncryptionKeys } from '../../domain/ports/keys.ts';
import type { AuditPartitions } from '../../domain/ports/maintenance/audit.ts';
import type { ExpiringGrant, ExpiryStore } from '../../domain/ports/maintenance/expiry.ts';
import type { HealthChange, HealthStore } from '../../domain/ports/maintenance/health.ts';
import type { HealthCounts, HealthRunStore } from '../../domain/ports/maintenance/health-runs.ts';
import type {
  KeyHolderStore,
  KeyRotation,
  KeyRotationStore,
  SealedPlace,
  SealedValueStore,
} from '../../domain/ports/maintenance/key-rotation.ts';
import type { RefreshQueue } from '../../domain/ports/maintenance/queue.ts';
import type { RevocationStore } from '../../domain/ports/maintenance/revocations.ts';
import type { SweepStore } from '../../domain/ports/maintenance/sweeps.ts';
import type { OnRefreshEnd } from '../../domain/ports/monitoring/observations.ts';
import type { InstallationReadings } from '../../domain/ports/monitoring/readings.ts';
import type { OAuthGateway, ProviderCatalogue, ProviderCircuits } from '../../domain/ports/oauth.ts';
import type { Spool } from '../../domain/ports/spool.ts';
import type { Database } from '../../domain/ports/stores.ts';
import type { NewId, Tokens } from '../../domain/ports/tokens.ts';
import type { WorkflowStates } from '../../domain/ports/workflows.ts';
import type { WorkloadTokens } from '../../domain/ports/workload-tokens.ts';
import type { Secret } from '../../domain/secret.ts';
import type { ConfirmPage } from '../authorizations/open-authorization.ts';
import type { RevocationGivenUp } from '../revocations/attempt-revocation.ts';

/** Every port that the use cases need. */
export interface BrokerPorts {
  database: Database;
  credentials: CredentialLookup;
  refreshes: RefreshStore;
  siblingRefreshes: SiblingStores;
  clientSecrets: ClientSecretStore;
  sweeps: SweepStore;
  health: HealthStore;
  healthRuns: HealthRunStore;
  healthCounts: HealthCounts;
  expiries: ExpiryStore;
  revocations: RevocationStore;
  audit: AuditReader;
  auditPartitions: AuditPartitions;
  consents: ConsentReader;
  fleet: FleetReader & FleetCounts;
  workflowStates: WorkflowStates;
  authorizations: AuthorizationLookup;
  apiKeys: ApiKeyStore;
  consoleSessions: ConsoleSessions;
  /** Returns an API key that this process has in memory. */
  recallApiKey: (id: string) => ApiKey | undefined;
  noteKeyUse: (id: string) => void;
  workloadTokens: WorkloadTokens;
  signals: GrantSignals;
  queue: RefreshQueue;
  readings: InstallationReadings;
  spool: Spool;
  oauth: OAuthGateway;
  /** Lists the circuits of this process. */
  circuits: ProviderCircuits['circuits'];
  catalogue: ProviderCatalogue;
  cipher: Cipher;
  fingerprints: SecretFingerprints;
  dataKeys: DataKeyStore;
  dataKeyMaker: DataKeyMaker;
  keyEncryptionKeys: Pick<KeyEncryptionKeys, 'currentId' | 'ids'>;
  keyBackups: KeyBackupStore;
  keyHolders: KeyHolderStore;
  keyRotations: KeyRotationStore;
  sealedValues: SealedValueStore;
  tokens: Tokens;
  newId: NewId;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Aborted when no request or refresh is in flight any more. */
  ended: AbortSignal;
  onBackgroundError: (error: unknown) => void;
  onRefreshFailure: (failure: RefreshFailure) => void;
  onRefreshEnd: OnRefreshEnd;
  onHealthChange: (change: HealthChange) => void;
  onExpiryWarning: (expiring: ExpiringGrant) => void;
  onFetch: OnFetch;
  onUnreadableValue: (place: SealedPlace, key: string, error: unknown) => void;
  onKeysRotated: (rotation: KeyRotation) => void;
  onRevocationGivenUp: (givenUp: RevocationGivenUp) => void;
}

export interface BrokerSettings {
  baseUrl: () => string;
  bootstrapKey: Secret | null;
  /** Roles of people in the console. The first that matches decides. */
  consoleRoles: readonly ConsoleRole[];
  allowedReturnUrls: readonly string[];
  authorizationTtlMs: number;
  /** Links that show a page before the provider. */
  confirmPage: ConfirmPage;
  schedule: RefreshSchedule;
  /** False: nothing is refreshed, authorized or revoked at providers. */
  callsTokenEndpoints: boolean;
  healthCheckIntervalMs: number;
  expiryWarningMs: number;
  /** Age at which an audit event may be removed. */
  auditRetentionMs: number;
  /** Bounds connecting to a provider; a reader waits two seconds longer than that. */
  providerTimeoutMs: number;
  leaseMs: number;
  instanceId: string;
  /** Ids of the keys of ENCRYPTION_KEYS that are no reference to a key service. */
  heldKeyIds: readonly string[];
}
