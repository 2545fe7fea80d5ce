import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import about from '../package.json' with { type: 'json' };
import { doChores, stepsToReady } from './app/background.ts';
import { layFoundation } from './app/foundation.ts';
import { createJobHandlers } from './app/job-handlers.ts';
import { createProbes } from './app/probes.ts';
import { openProvider } from './app/provider.ts';
import { startUp } from './app/startup.ts';
import { openPostgres, queueLocation } from './app/storage.ts';
import { type Broker, createBroker } from './broker/create-broker.ts';
import type { Config } from './config.ts';
import { deriveKeys } from './crypto/derived-keys.ts';
import { createLateCipher } from './crypto/late-cipher.ts';
import { createTokens, newId } from './crypto/tokens.ts';
import { claimInstances, type Instance } from './embedded/instance.ts';
import { createSpool } from './embedded/spool.ts';
import { describeError } from './http/error-log.ts';
import { createHttpServer } from './http/server.ts';
import { createJobs, type Jobs } from './jobs/create-jobs.ts';
import { createCachedApiKeys } from './postgres/api-key-cache.ts';

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

const refreshConcurrency = 100;
const forecastEveryMs = 60 * 60_000;
const choresEveryMs = 60_000;

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

async function build(config: Config, log: Logger, stack: AsyncDisposableStack): Promise<App> {
  const onError = (error: unknown) => log.warn({ error: describeError(error) }, 'a background task failed');
  const foundation = await layFoundation(config, log, stack);
  const instances = await claimInstances(config.dataDir);
  for (const { release } of instances) stack.defer(async () => release());

  const postgres = openPostgres(config, foundation, onError);
  stack.defer(() => postgres.close());
  const clock = postgres.clock.now;
  const apiKeys = createCachedApiKeys({ store: postgres.apiKeys, listener: postgres.listener, clock });
  stack.defer(() => apiKeys.flush().catch(onError));
  const provider = openProvider(config, log, clock);
  stack.defer(() => provider.close());

  const jobs: Jobs = createJobs({
    location: queueLocation(config, foundation),
    intervals: {
      sweep: config.refresh.intervalMs,
      health: config.healthCheckIntervalMs,
      forecast: forecastEveryMs,
    },
    concurrency: refreshConcurrency,
    handlers: createJobHandlers(() => broker, log),
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
      recallApiKey: apiKeys.recall,
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

  const background = { config, log, foundation, instances, postgres, apiKeys, jobs, cipher, broker, spoolOf, onError };
  const closing = new AbortController();
  const ready = startUp(stepsToReady(background), log, closing.signal);
  stack.defer(async () => {
    closing.abort();
    await ready.catch(() => {});
  });
  const chores = setInterval(() => doChores(background), choresEveryMs);
  stack.defer(() => clearInterval(chores));
  return {
    address,
    publicUrl,
    adminKeyFile: foundation.adminKeyFile,
    ready,
    close: () => stack.disposeAsync(),
  };
}
