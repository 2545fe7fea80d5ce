import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { AuditBatchWriter, AuditReader, ConsentReader } from '../domain/ports/audit.ts';
import type { ApiKeyStore, AuthorizationLookup, ConsoleSessions } from '../domain/ports/callers.ts';
import type { ClientSecretStore } from '../domain/ports/client-secrets.ts';
import type { CredentialLookup, GrantSignals, RefreshStore, SiblingStores } from '../domain/ports/engine.ts';
import type { FleetCounts, FleetReader } from '../domain/ports/fleet.ts';
import type { AuditPartitions } from '../domain/ports/maintenance/audit.ts';
import type { CacheReadings, PoolReadings } from '../domain/ports/monitoring/readings.ts';
import type { Database } from '../domain/ports/stores.ts';
import { createAuditBatchWriter } from './audit/append-all.ts';
import { createAuditReader } from './audit/audit-reader.ts';
import { createConsentReader } from './audit/consent-store.ts';
import { createAuditPartitions } from './audit/partitions.ts';
import { type AuthorizationPurge, createAuthorizationLookup } from './authorizations/authorization-lookup.ts';
import { type CachedCredentials, createCachedCredentials } from './cache/credential-cache.ts';
import { createClientSecretStore } from './connections/client-secrets.ts';
import { createDatabase, createKysely } from './database.ts';
import { toBrokerError } from './driver/failures.ts';
import { pendingMigrations } from './driver/migrate.ts';
import { createPool, type PoolOptions } from './driver/pool.ts';
import { createReservedConnection } from './driver/reserved-connection.ts';
import { checkSessionSettings } from './driver/session-settings.ts';
import { createSharedClock, type SharedClock } from './driver/shared-clock.ts';
import { createFleetCounts } from './fleet/counts.ts';
import { createFleetReader } from './fleet/fleet-reader.ts';
import { createReadGrantReadings, type ReadGrantReadings } from './fleet/grant-readings.ts';
import { createCredentialLookup } from './grants/credential-lookup.ts';
import { createApiKeyStore } from './keys/api-key-store.ts';
import { createRotationStores, type RotationStores } from './keys/rotation-stores.ts';
import { createDatabaseWatch, type DatabaseWatch } from './maintenance/database-watch.ts';
import { readInstallationId } from './maintenance/installation.ts';
import { createMaintenanceStores, type MaintenanceStores } from './maintenance/maintenance-stores.ts';
import { createReplaceConnections } from './maintenance/outdated-connections.ts';
import { createReadBacklog, type ReadBacklog } from './maintenance/refresh-backlog.ts';
import { createWorkerStore, type WorkerStore } from './maintenance/worker-store.ts';
import { createGrantSignals } from './notify/grant-signals.ts';
import { createListener, type Listener } from './notify/listener.ts';
import { createNotifier } from './notify/notifier.ts';
import { createRefreshStore, type LeaseKeeper } from './refresh/refresh-store.ts';
import { createSiblingStores } from './refresh/sibling-stores.ts';
import { createConsoleSessions } from './sessions/console-sessions.ts';
import { tableNames } from './tables.ts';
import { createWorkflowFetchAdapters, type WorkflowFetchAdapters } from './workflows/fetch-adapters.ts';

export interface PostgresOptions extends PoolOptions {
  /** Maximum number of credential matches kept in memory; 0 caches none. Default 20,000. */
  credentialCacheMax?: number;
  /**
   * Direct connection for LISTEN. Defaults to connectionString, which must be direct then. Null if there is none: the
   * listener stays down, and nothing is cached.
   */
  listenConnectionString?: string | null;
}

export interface Postgres extends WorkflowFetchAdapters, MaintenanceStores, RotationStores {
  database: Database;
  credentials: CredentialLookup;
  refreshes: RefreshStore & LeaseKeeper;
  siblingRefreshes: SiblingStores;
  clientSecrets: ClientSecretStore;
  workers: WorkerStore;
  audit: AuditReader & AuditBatchWriter;
  auditPartitions: AuditPartitions;
  consents: ConsentReader;
  fleet: FleetReader & FleetCounts;
  authorizations: AuthorizationLookup & AuthorizationPurge;
  apiKeys: ApiKeyStore;
  consoleSessions: ConsoleSessions;
  signals: GrantSignals;
  /** Returned unstarted: the process subscribes its handlers first, then starts it. */
  listener: Listener;
  clock: SharedClock;
  watch: DatabaseWatch;
  cacheReadings(): CacheReadings;
  poolReadings(): PoolReadings[];
  readBacklog: ReadBacklog;
  readGrantReadings: ReadGrantReadings;
  /** Resolves if the database replies. Throws `service_unavailable` if it does not. */
  ping(): Promise<void>;
  /** Returns the id of the installation, the same for all processes of one database. */
  installationId(): Promise<string>;
  /** Throws if sessions have settings that change what statements mean. The error names them and what to do. */
  checkSettings(): Promise<void>;
  /** Returns the names of migrations that this code needs and the database lacks. Empty if the process may serve. */
  pendingMigrations(): Promise<string[]>;
  /** Sends the pending notifications, then closes every connection. */
  close(): Promise<void>;
}

/** Connections beside the pool: one for LISTEN, one for pings and health, and one for revocations. */
const connectionsBesidePool = 3;
/** Minimum of `poolMax`. Below it the connections would exceed `poolMax`. */
export const leastConnections = connectionsBesidePool + 1;
/** Time in milliseconds for a ping. One that takes longer says that the database cannot serve. */
const pingTimeoutMs = 2_000;

/**
 * Creates all stores on one pool and three connections beside it. Connects on first use. All of them count towards
 * `poolMax`, of which the pool keeps at least one.
 */
export function createPostgres(options: PostgresOptions): Postgres {
  const { connectionString, listenConnectionString = connectionString, credentialCacheMax = 20_000, onError } = options;
  const pool = createPool({ ...options, poolMax: Math.max(1, options.poolMax - connectionsBesidePool) });
  // A busy pool must neither turn the caches off nor make a process that works look unhealthy.
  const heartbeat = createPool({
    ...options,
    poolMax: 1,
    applicationName: 'token-broker heartbeat',
    statementTimeoutMs: pingTimeoutMs,
  });
  const revocation = createPool({ ...options, poolMax: 1, applicationName: 'token-broker revocation' });
  const reserved = createReservedConnection(pool, revocation);
  const db = createKysely(pool);
  const reservedDb = createKysely(reserved);
  const workers = createWorkerStore({ pool: heartbeat });
  const clock = createSharedClock({ pool });
  const listener = createListener({ connectionString: listenConnectionString, heartbeat, onError });
  const replacements = [pool, heartbeat, revocation].map(createReplaceConnections);
  const watch = createDatabaseWatch({
    heartbeat,
    tables: tableNames,
    onFailover: () => {
      for (const replace of replacements) replace();
      listener.reconnect();
    },
    onReplaced: listener.reconnect,
    onError,
  });
  const credentials = createCredentials(createCredentialLookup({ pool }), listener, credentialCacheMax);
  const notifier = createNotifier({ pool, notifyLocally: listener.notifyLocally, onError });
  const refreshes = createRefreshStore({ db, pool, notifier });

  return {
    database: createDatabase({ db, pool, reserved, notifyLocally: listener.notifyLocally }),
    credentials,
    refreshes,
    siblingRefreshes: createSiblingStores({ db, pool, notifier }, refreshes),
    clientSecrets: createClientSecretStore({ db }),
    workers: {
      beat: (id, isFirst) => withBrokerErrors(workers.beat(id, isFirst)),
      remove: (id) => withBrokerErrors(workers.remove(id)),
      state: () => withBrokerErrors(workers.state()),
    },
    ...createMaintenanceStores({ db }),
    audit: { ...createAuditReader({ db }), ...createAuditBatchWriter({ pool }) },
    auditPartitions: createAuditPartitions({ db, sleep }),
    consents: createConsentReader({ db }),
    fleet: { ...createFleetReader(db), ...createFleetCounts(db) },
    ...createWorkflowFetchAdapters({ db, pool, listener }),
    authorizations: createAuthorizationLookup({ db }),
    apiKeys: createApiKeyStore({ db, reservedDb, pool: reserved }),
    consoleSessions: createConsoleSessions({ db }),
    ...createRotationStores({ db }),
    signals: createGrantSignals({ listener }),
    listener,
    clock: { now: clock.now, synchronize: () => withBrokerErrors(clock.synchronize()) },
    watch,
    cacheReadings: credentials.readings,
    poolReadings: () => [
      poolReadings('main', pool),
      poolReadings('heartbeat', heartbeat),
      poolReadings('revocation', revocation),
    ],
    readBacklog: createReadBacklog({ db }),
    readGrantReadings: createReadGrantReadings({ db }),
    async ping() {
      await withBrokerErrors(heartbeat.query('select 1'));
    },
    installationId: () => withBrokerErrors(readInstallationId(pool)),
    checkSettings: () => withBrokerErrors(checkSessionSettings(pool, tableNames)),
    pendingMigrations: () => withBrokerErrors(pendingMigrations(pool)),
    async close() {
      watch.stop();
      await listener.stop();
      await notifier.flush();
      await Promise.all([pool.end(), heartbeat.end(), revocation.end()]);
    },
  };
}

function poolReadings(name: PoolReadings['pool'], pool: pg.Pool): PoolReadings {
  const { totalCount: open, idleCount: idle, waitingCount: waiting } = pool;
  return { pool: name, max: pool.options.max, open, idle, waiting };
}

function createCredentials(lookup: Pick<CredentialLookup, 'find'>, listener: Listener, max: number): CachedCredentials {
  return max === 0
    ? { find: lookup.find, findStored: lookup.find, readings: () => ({ hits: 0, misses: 0, entries: 0 }) }
    : createCachedCredentials({ lookup, listener, max });
}

async function withBrokerErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toBrokerError(error);
  }
}
