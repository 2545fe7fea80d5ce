import type { ApiKeyStore, TripStore } from '../domain/ports/callers.ts';
import type { CredentialLookup, GrantSignals, RefreshStore } from '../domain/ports/engine.ts';
import type { DataKeyStore } from '../domain/ports/keys.ts';
import type { Database } from '../domain/ports/stores.ts';
import type { ForecastStore, HealthStore, SweepStore } from '../domain/ports/upkeep.ts';
import { createApiKeyStore } from './api-key-store.ts';
import { createCachedCredentials } from './credential-cache.ts';
import { createCredentialLookup } from './credential-lookup.ts';
import { createDataKeyStore } from './data-key-store.ts';
import { createDatabase, createKysely } from './database.ts';
import { toBrokerError } from './failures.ts';
import { createForecastStore } from './forecast-store.ts';
import { createGrantSignals } from './grant-signals.ts';
import { createHealthStore } from './health-store.ts';
import { createListener, type Listener } from './listener.ts';
import { pendingMigrations } from './migrate.ts';
import { createNotifier } from './notifier.ts';
import { createPool, type PoolOptions } from './pool.ts';
import { createRefreshStore, type LeaseKeeper } from './refresh-store.ts';
import { createSharedClock, type SharedClock } from './shared-clock.ts';
import { createSweepStore } from './sweep-store.ts';
import { createTripStore, type TripPurge } from './trip-store.ts';

export interface PostgresOptions extends PoolOptions {
  /** Where DATABASE_URL goes through a transaction pooler; else the same. */
  listenConnectionString?: string;
}

export interface Postgres {
  database: Database;
  credentials: CredentialLookup;
  refreshes: RefreshStore & LeaseKeeper;
  sweeps: SweepStore;
  health: HealthStore;
  forecasts: ForecastStore;
  trips: TripStore & TripPurge;
  apiKeys: ApiKeyStore;
  dataKeys: DataKeyStore;
  signals: GrantSignals;
  /** Not started: whoever wires subscribes first. */
  listener: Listener;
  clock: SharedClock;
  /** Resolves where the database answers; throws `service_unavailable` where it does not. */
  ping(): Promise<void>;
  /** Names of migrations this code needs and the database lacks; empty when it may serve. */
  pendingMigrations(): Promise<string[]>;
  /** Delivers what is still to be announced, then lets go of every connection. */
  close(): Promise<void>;
}

/** Everything that is kept in Postgres, on one pool and one listening connection. Connects on first use. */
export function createPostgres(options: PostgresOptions): Postgres {
  const { connectionString, listenConnectionString = connectionString, onError } = options;
  const pool = createPool(options);
  const db = createKysely(pool);
  const clock = createSharedClock({ pool });
  const listener = createListener({ connectionString: listenConnectionString, pool, onError });
  const { deliver } = listener;
  const notifier = createNotifier({ pool, deliver, onError });

  return {
    database: createDatabase(db, deliver),
    credentials: createCachedCredentials({ lookup: createCredentialLookup({ pool }), listener }),
    refreshes: createRefreshStore({ db, pool, notifier, deliver }),
    sweeps: createSweepStore({ db }),
    health: createHealthStore({ db }),
    forecasts: createForecastStore({ db }),
    trips: createTripStore({ db }),
    apiKeys: createApiKeyStore({ db, pool }),
    dataKeys: createDataKeyStore({ db }),
    signals: createGrantSignals({ listener }),
    listener,
    clock: { now: clock.now, synchronize: () => answering(clock.synchronize()) },
    async ping() {
      await answering(pool.query('select 1'));
    },
    pendingMigrations: () => answering(pendingMigrations(pool)),
    async close() {
      await listener.stop();
      await notifier.flush();
      await pool.end();
    },
  };
}

async function answering<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toBrokerError(error);
  }
}
