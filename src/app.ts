import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import about from '../package.json' with { type: 'json' };
import { type Foundation, layFoundation } from './app/foundation.ts';
import { startUp } from './app/startup.ts';
import { type Broker, createBroker } from './broker/create-broker.ts';
import type { Config } from './config.ts';
import { deriveKeys } from './crypto/derived-keys.ts';
import { createEnvironmentKeys } from './crypto/environment-keys.ts';
import { createKeyRing } from './crypto/key-ring.ts';
import { createLateCipher, type LateCipher } from './crypto/late-cipher.ts';
import { createTokens, newId } from './crypto/tokens.ts';
import { BrokerError, isBrokerError } from './domain/errors.ts';
import { claimAbandoned, claimInstances, type Instance } from './embedded/instance.ts';
import { createSpool } from './embedded/spool.ts';
import { describeError } from './http/error-log.ts';
import { createHttpServer } from './http/server.ts';
import { createJobs, type Jobs, type JobsOptions } from './jobs/create-jobs.ts';
import { postgresConnectionsMax } from './jobs/queue-server.ts';
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

const refreshConcurrency = 50;
const probeTimeoutMs = 10_000;
const forecastEveryMs = 60 * 60_000;
const choresEveryMs = 60_000;
const tripsAreKeptMs = 24 * 60 * 60_000;

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

const clock = () => new Date();

async function build(config: Config, log: Logger, stack: AsyncDisposableStack): Promise<App> {
  const onError = (error: unknown) => log.warn({ error: describeError(error) }, 'a background task failed');
  const foundation = await layFoundation(config, log, stack);
  const instances = await claimInstances(config.dataDir);
  for (const { release } of instances) stack.defer(async () => release());

  const postgres = openPostgres(config, foundation, onError);
  stack.defer(() => postgres.close());
  const apiKeys = createCachedApiKeys({ store: postgres.apiKeys, listener: postgres.listener, clock });
  stack.defer(() => apiKeys.flush().catch(onError));
  const provider = openProvider(config, log);
  stack.defer(() => provider.close());

  const jobs: Jobs = createJobs({
    location: queueLocation(config, foundation),
    intervals: {
      sweep: config.refresh.intervalMs,
      health: config.healthCheckIntervalMs,
      forecast: forecastEveryMs,
    },
    concurrency: refreshConcurrency,
    handlers: {
      sweep: async (signal) => {
        const swept = await broker.sweepDueGrants(signal);
        log.info({ ...swept }, swept === null ? 'sweep: another one just ran' : 'sweep: due grants were queued');
      },
      refresh: async (grantId, sweepId) => {
        const { kind } = await broker.refreshDueGrant(grantId, sweepId);
        if (kind !== 'fresh') log.warn({ grant_id: grantId, result: kind }, 'a due grant was not refreshed');
      },
      refreshAhead: async (grantId, version) => {
        const { kind } = await broker.refreshAhead(grantId, version);
        if (kind !== 'fresh') log.warn({ grant_id: grantId, result: kind }, 'a grant in use was not refreshed in time');
      },
      checkHealth: async (signal) => log.info(await broker.checkHealth(signal), 'health: connections were checked'),
      forecast: async (signal) => log.info({ warnings: await broker.forecastExpiries(signal) }, 'forecast: done'),
    },
    log,
  });
  const ended = new AbortController();
  stack.defer(() => ended.abort());
  const cipher = createLateCipher();
  const tokens = createTokens();
  const spoolOf = ({ directory }: Instance) =>
    createSpool(directory, (file) => log.error({ file }, 'a spooled token set cannot be read'));
  let publicUrl = config.publicUrl ?? '';
  const broker: Broker = createBroker(
    {
      ...postgres,
      ...provider,
      apiKeys,
      noteKeyUse: apiKeys.noteUse,
      queue: jobs,
      cipher,
      tokens,
      newId,
      clock,
      spool: spoolOf(instances[0]),
      sleep: (ms, signal) => sleep(ms, undefined, { signal }),
      ended: ended.signal,
      onBackgroundError: onError,
      onExpiryWarning: ({ grantId, connectionName, refreshExpiresAt }) =>
        log.warn(
          { grant_id: grantId, connection_name: connectionName, refresh_expires_at: refreshExpiresAt },
          'a refresh token will expire; the person has to authorize again before that',
        ),
    },
    {
      baseUrl: () => `${publicUrl}${config.basePath}`,
      bootstrapKey: foundation.adminKey,
      allowedReturnUrls: config.allowedReturnUrls,
      authorizationTtlMs: config.authorizationTtlMs,
      schedule: config.refresh,
      healthCheckIntervalMs: config.healthCheckIntervalMs,
      expiryWarningMs: config.expiryWarningMs,
      providerTimeoutMs: config.provider.timeoutMs,
      leaseMs: config.refreshLeaseMs,
      instanceId: instances[0].id,
    },
  );
  stack.defer(() => broker.drainRefreshes());
  stack.defer(() => broker.flushTally());
  stack.defer(() => jobs.close());

  const server = await createHttpServer({
    useCases: broker,
    serves: config.role === 'worker' ? 'health' : 'everything',
    catalogue: provider.catalogue,
    probes: createProbes(postgres, jobs, cipher),
    logger: log,
    clock,
    newBrowserId: () => tokens.random(32),
    version: about.version,
    basePath: config.basePath,
    publicUrlIsHttps: publicUrl.startsWith('https:'),
    cookieKeys: deriveKeys(foundation.encryptionKeys, 'browser-cookie'),
    rateLimitMax: config.rateLimitMax,
    trustProxy: config.trustProxy,
  });
  stack.defer(() => server.close());
  const address = await server.listen({ host: config.host, port: config.port });
  publicUrl ||= `http://localhost:${new URL(address).port}`;

  /** What a dead process left: its unsaved tokens are stored first, then nobody waits for its leases any more. */
  const inherit = async (instance: Instance) => {
    const replayed = await broker.replaySpool(spoolOf(instance));
    const leases = await postgres.refreshes.voidLeases(`${instance.id}/`);
    if (leases + replayed.written + replayed.outdated > 0)
      log.info({ ...replayed, leases }, 'took over from an earlier process');
    if (instance !== instances[0]) instance.release();
  };
  const closing = new AbortController();
  const steps = [
    () => prepareDatabase(config, log, postgres, foundation),
    ...instances.map((instance) => () => inherit(instance)),
    // Requests that need a token are refused until here: no stored one may be used while a newer one is not yet back.
    () => openKeys(postgres, foundation, cipher),
    async () => postgres.listener.start(),
    () => jobs.start(config.role !== 'api'),
    ...(config.role === 'api' ? [] : [() => catchUp(broker, jobs)]),
  ];
  const ready = startUp(steps, log, closing.signal);
  stack.defer(async () => {
    closing.abort();
    await ready.catch(() => {});
  });
  const chores = setInterval(() => {
    apiKeys.flush().catch(onError);
    postgres.trips.purge(new Date(clock().getTime() - tripsAreKeptMs)).catch(onError);
    claimAbandoned(config.dataDir)
      .then((found) => Promise.all(found.map(inherit)))
      .catch(onError);
    if (config.role !== 'api') catchUp(broker, jobs).catch(unlessAway(onError));
  }, choresEveryMs);
  stack.defer(() => clearInterval(chores));
  return {
    address,
    publicUrl,
    adminKeyFile: foundation.adminKeyFile,
    ready,
    close: () => stack.disposeAsync(),
  };
}

/** Without Redis the queue lives in the database, which it must reach directly: it listens there. */
function queueLocation({ redisUrl, databaseListenUrl }: Config, { databaseUrl }: Foundation): JobsOptions['location'] {
  return redisUrl === null ? { databaseUrl: databaseListenUrl ?? databaseUrl } : { redisUrl };
}

/** The queue's own connections, where it lives in the database, count towards DATABASE_POOL_MAX. */
function openPostgres(config: Config, { databaseUrl }: Foundation, onError: (error: unknown) => void): Postgres {
  return createPostgres({
    connectionString: databaseUrl.reveal(),
    ...(config.databaseListenUrl && { listenConnectionString: config.databaseListenUrl.reveal() }),
    poolMax: Math.max(1, config.databasePoolMax - (config.redisUrl === null ? postgresConnectionsMax : 0)),
    onError,
  });
}

function openProvider({ allowPrivateNetwork, provider: { timeoutMs, callCapMs, retries } }: Config, log: Logger) {
  const http = createGuardedHttp({ allowPrivateNetwork, connectTimeoutMs: timeoutMs });
  const catalogue = createCatalogue();
  const oauth = createOAuthGateway({
    http,
    catalogue,
    retries,
    callCapMs,
    probeTimeoutMs,
    onCircuitChange: ({ endpoint, state }) => {
      if (state === 'open') log.warn({ endpoint }, 'a token endpoint failed several times in a row and is left alone');
      else
        log.info(
          { endpoint, state },
          state === 'closed' ? 'a token endpoint is back' : 'a token endpoint is tried again',
        );
    },
  });
  return { oauth, catalogue, close: () => http.close() };
}

async function prepareDatabase(
  config: Config,
  log: Logger,
  postgres: Postgres,
  { databaseUrl }: Foundation,
): Promise<void> {
  await postgres.ping();
  if (config.role === 'all') {
    const done = await migrate((config.databaseListenUrl ?? databaseUrl).reveal());
    if (done.length > 0) log.info({ migrations: done }, 'the database was migrated');
  } else if ((await postgres.pendingMigrations()).length > 0) {
    throw BrokerError.with('service_unavailable', 'The database waits to be migrated: run the command migrate.', {
      retry_after: 5,
    });
  }
}

async function openKeys(postgres: Postgres, { encryptionKeys }: Foundation, cipher: LateCipher): Promise<void> {
  const keyEncryptionKeys = createEnvironmentKeys(encryptionKeys);
  const ring = await createKeyRing({ keys: postgres.dataKeys, keyEncryptionKeys, newId, clock });
  cipher.become(ring.cipher);
}

/** A sweep that was missed while nothing ran, or that broke off for good, does not wait for the next tick. */
async function catchUp(broker: Broker, jobs: Jobs): Promise<void> {
  if (await broker.isSweepOverdue()) await jobs.enqueueSweep();
}

/** For work that comes round again: that the queue or the database is away is said elsewhere. */
function unlessAway(onError: (error: unknown) => void): (error: unknown) => void {
  return (error) => {
    if (!isBrokerError(error, 'service_unavailable')) onError(error);
  };
}

function createProbes(postgres: Postgres, jobs: Jobs, cipher: LateCipher) {
  const database = () => postgres.ping().then(() => true);
  return {
    database,
    queue: async () => jobs.isUp(),
    readiness: async () => ({
      database: await database(),
      migrated: cipher.isReady(),
      keyProven: cipher.isReady(),
    }),
  };
}
