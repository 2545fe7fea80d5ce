import type { ApiKey } from '../domain/api-key.ts';
import type { ApiKeyStore, TripStore } from '../domain/ports/callers.ts';
import type { Cipher } from '../domain/ports/cipher.ts';
import type { CredentialLookup, GrantSignals, RefreshStore } from '../domain/ports/engine.ts';
import type { OAuthGateway, ProviderCatalogue } from '../domain/ports/oauth.ts';
import type { Spool } from '../domain/ports/spool.ts';
import type { Database } from '../domain/ports/stores.ts';
import type { NewId, Tokens } from '../domain/ports/tokens.ts';
import type { ExpiringGrant, ForecastStore, HealthStore, RefreshQueue, SweepStore } from '../domain/ports/upkeep.ts';
import type { RefreshSchedule } from '../domain/refresh-policy.ts';
import type { Secret } from '../domain/secret.ts';

/** Everything the use cases need of the outside. */
export interface BrokerPorts {
  database: Database;
  credentials: CredentialLookup;
  refreshes: RefreshStore;
  sweeps: SweepStore;
  health: HealthStore;
  forecasts: ForecastStore;
  trips: TripStore;
  apiKeys: ApiKeyStore;
  /** Keys kept in memory: undefined where one has to be read. */
  recallApiKey: (id: string) => ApiKey | undefined;
  noteKeyUse: (id: string) => void;
  signals: GrantSignals;
  queue: RefreshQueue;
  spool: Spool;
  oauth: OAuthGateway;
  catalogue: ProviderCatalogue;
  cipher: Cipher;
  tokens: Tokens;
  newId: NewId;
  clock: () => Date;
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Aborted once nothing is in flight any more. */
  ended: AbortSignal;
  onBackgroundError: (error: unknown) => void;
  onExpiryWarning: (expiring: ExpiringGrant) => void;
}

export interface BrokerSettings {
  baseUrl: () => string;
  bootstrapKey: Secret | null;
  allowedReturnUrls: readonly string[];
  authorizationTtlMs: number;
  schedule: RefreshSchedule;
  healthCheckIntervalMs: number;
  expiryWarningMs: number;
  /** Bounds how long a reader waits, together with a little patience. */
  providerTimeoutMs: number;
  leaseMs: number;
  instanceId: string;
}
