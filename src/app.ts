import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import about from '../package.json' with { type: 'json' };
import { type Broker, createBroker } from './broker/create-broker.ts';
import type { Config } from './config.ts';
import { deriveKeys } from './crypto/derived-keys.ts';
import { createEnvironmentKeys } from './crypto/environment-keys.ts';
import { createKeyRing } from './crypto/key-ring.ts';
import { createLateCipher, type LateCipher } from './crypto/late-cipher.ts';
import { createTokens, newId } from './crypto/tokens.ts';
import type { EncryptionKey } from './domain/encryption-keys.ts';
import { BrokerError, isBrokerError } from './domain/errors.ts';
import type { Secret } from './domain/secret.ts';
import { openInstallation } from './embedded/installation.ts';
import { describeError } from './http/error-log.ts';
import { createHttpServer } from './http/server.ts';
import { createJobs, type Jobs } from './jobs/create-jobs.ts';
import { createCatalogue } from './oauth/catalogue.ts';
import { createOAuthGateway } from './oauth/gateway.ts';
import { createGuardedHttp } from './oauth/guarded-http.ts';
import { createCachedApiKeys } from './postgres/api-key-cache.ts';
import { migrate } from './postgres/migrate.ts';
import { createPostgres, type Postgres } from './postgres/postgres.ts';

export interface App {
  /** Where it listens. Health routes answer from now on, the rest once `ready` resolves. */
  address: string;
  publicUrl: string;
  /** Where a generated administrator's key lies, for whoever has to be told. */
  adminKeyFile: string | null;
  /** Rejects where no retry helps: a missing key, a broken migration. */
  ready: Promise<void>;
  /** Stops accepting, finishes requests and refreshes in flight, and closes in the reverse order of building. */
  close(): Promise<void>;
}

/** BullMQ's Postgres backend keeps connections of its own; DATABASE_POOL_MAX counts them in. */
const queueConnections = 4;
const refreshConcurrency = 50;
const probeTimeoutMs = 10_000;
const choresEveryMs = 60_000;
const tripsAreKeptMs = 24 * 60 * 60_000;
const longestStartPauseMs = 5_000;

/** Builds everything in order and listens. Throws where the process cannot run at all, with everything closed again. */
export async function createApp(config: Config, log: Logger): Promise<App> {
  const stack = new AsyncDisposableStack();
  try {
    return await build(config, log, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

interface Foundation {
  databaseUrl: Secret;
  encryptionKeys: readonly EncryptionKey[];
  adminKey: Secret | null;
  adminKeyFile: string | null;
}

async function build(config: Config, log: Logger, stack: AsyncDisposableStack): Promise<App> {
  const clock = () => new Date();
  const onError = (error: unknown) => log.warn({ error: describeError(error) }, 'a background task failed');
  const { databaseUrl, encryptionKeys, adminKey, adminKeyFile } = await layFoundation(config, log, stack);

  const postgres = createPostgres({
    connectionString: databaseUrl.reveal(),
    ...(config.databaseListenUrl && { listenConnectionString: config.databaseListenUrl.reveal() }),
    poolMax: Math.max(1, config.databasePoolMax - (config.redisUrl === null ? queueConnections : 0)),
    onError,
  });
  stack.defer(() => postgres.close());
  const apiKeys = createCachedApiKeys({ store: postgres.apiKeys, listener: postgres.listener, clock });
  stack.defer(() => apiKeys.flush().catch(onError));

  const guarded = createGuardedHttp({
    allowPrivateNetwork: config.allowPrivateNetwork,
    connectTimeoutMs: config.provider.timeoutMs,
  });
  stack.defer(() => guarded.close());
  const catalogue = createCatalogue();
  const { retries, callCapMs, timeoutMs: providerTimeoutMs } = config.provider;
  const oauth = createOAuthGateway({ http: guarded, catalogue, retries, callCapMs, probeTimeoutMs });

  const jobs: Jobs = createJobs({
    location: config.redisUrl === null ? { databaseUrl } : { redisUrl: config.redisUrl },
    sweepIntervalMs: config.refresh.intervalMs,
    concurrency: refreshConcurrency,
    handlers: {
      sweep: async () => log.info({ due: await broker.sweepDueGrants() }, 'sweep: due grants were queued'),
      refresh: async (grantId) => {
        const { kind } = await broker.refreshDueGrant(grantId);
        if (kind !== 'fresh') log.warn({ grant_id: grantId, result: kind }, 'a due grant was not refreshed');
      },
    },
    log,
  });
  const cipher = createLateCipher();
  const tokens = createTokens();
  let publicUrl = config.publicUrl ?? '';
  const broker: Broker = createBroker(
    {
      ...postgres,
      apiKeys,
      noteKeyUse: apiKeys.noteUse,
      queue: jobs,
      oauth,
      catalogue,
      cipher,
      tokens,
      newId,
      clock,
      sleep: async (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
      onBackgroundError: onError,
    },
    {
      baseUrl: () => `${publicUrl}${config.basePath}`,
      bootstrapKey: adminKey,
      allowedReturnUrls: config.allowedReturnUrls,
      authorizationTtlMs: config.authorizationTtlMs,
      schedule: config.refresh,
      providerTimeoutMs,
      leaseMs: config.refreshLeaseMs,
      instanceId: randomUUID(),
    },
  );
  stack.defer(() => broker.drainRefreshes());
  stack.defer(() => jobs.close());

  const server = await createHttpServer({
    useCases: broker,
    catalogue,
    probes: createProbes(postgres, jobs, cipher),
    logger: log,
    clock,
    newBrowserId: () => tokens.random(32),
    version: about.version,
    basePath: config.basePath,
    publicUrlIsHttps: publicUrl.startsWith('https:'),
    cookieKeys: deriveKeys(encryptionKeys, 'browser-cookie'),
    rateLimitMax: config.rateLimitMax,
    trustProxy: config.trustProxy,
  });
  stack.defer(() => server.close());
  const address = await server.listen({ host: config.host, port: config.port });
  publicUrl ||= `http://localhost:${new URL(address).port}`;

  const closing = new AbortController();
  stack.defer(() => closing.abort());
  const ready = becomeReady({
    config,
    log,
    postgres,
    jobs,
    cipher,
    broker,
    databaseUrl,
    encryptionKeys,
    signal: closing.signal,
  });
  const chores = setInterval(() => {
    apiKeys.flush().catch(onError);
    postgres.trips.purge(new Date(clock().getTime() - tripsAreKeptMs)).catch(onError);
  }, choresEveryMs);
  stack.defer(() => clearInterval(chores));
  return { address, publicUrl, adminKeyFile, ready, close: () => stack.disposeAsync() };
}

/** The database and the keys: given by the configuration, or an installation of our own in DATA_DIR. */
async function layFoundation(config: Config, log: Logger, stack: AsyncDisposableStack): Promise<Foundation> {
  if (config.databaseUrl !== null) {
    const { databaseUrl, encryptionKeys, adminApiKey: adminKey } = config;
    return { databaseUrl, encryptionKeys: encryptionKeys ?? [], adminKey, adminKeyFile: null };
  }
  const installation = await openInstallation({
    dataDir: config.dataDir,
    given: { encryptionKeys: config.encryptionKeys, adminKey: config.adminApiKey },
    log: (level, message, facts = {}) => log[level](facts, message),
  });
  stack.defer(() => installation.close());
  return installation;
}

interface Beginning {
  config: Config;
  log: Logger;
  postgres: Postgres;
  jobs: Jobs;
  cipher: LateCipher;
  broker: Broker;
  databaseUrl: Secret;
  encryptionKeys: readonly EncryptionKey[];
  signal: AbortSignal;
}

/** Waits for the database as long as it takes, then proves the keys and begins the background work. */
async function becomeReady(parts: Beginning): Promise<void> {
  const { config, log, postgres, jobs, broker, signal } = parts;
  for (let pauseMs = 100; !parts.cipher.isReady(); pauseMs = Math.min(pauseMs * 2, longestStartPauseMs)) {
    try {
      await openDatabase(parts);
    } catch (error) {
      if (!isBrokerError(error, 'service_unavailable')) throw error;
      log.warn({ reason: error.message }, 'not ready yet');
      await sleep(pauseMs, undefined, { signal });
    }
  }
  postgres.listener.start();
  await jobs.start(config.role !== 'api');
  if (config.role !== 'api' && (await broker.isSweepOverdue())) {
    await jobs
      .enqueueSweep()
      .catch((error) => log.warn({ error: describeError(error) }, 'the overdue sweep waits for the queue'));
  }
}

async function openDatabase({ config, log, postgres, cipher, databaseUrl, encryptionKeys }: Beginning): Promise<void> {
  await postgres.ping();
  if (config.role === 'all') {
    const done = await migrate(databaseUrl.reveal());
    if (done.length > 0) log.info({ migrations: done }, 'the database was migrated');
  } else if ((await postgres.pendingMigrations()).length > 0) {
    throw BrokerError.with('service_unavailable', 'The database waits to be migrated: run the command migrate.', {
      retry_after: 5,
    });
  }
  const keyEncryptionKeys = createEnvironmentKeys(encryptionKeys);
  const ring = await createKeyRing({ keys: postgres.dataKeys, keyEncryptionKeys, newId, clock: () => new Date() });
  cipher.become(ring.cipher);
}

function createProbes(postgres: Postgres, jobs: Jobs, cipher: LateCipher) {
  const database = () => postgres.ping().then(() => true);
  return {
    database,
    queue: async () => jobs.isUp(),
    readiness: async () => ({ database: await database(), migrated: cipher.isReady(), keyProven: cipher.isReady() }),
  };
}
