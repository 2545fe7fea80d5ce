import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Background, doChores, stepsToReady } from './app/background.ts';
import { openSharedCounts } from './app/callers/open-shared-counts.ts';
import { openWorkloadTokens } from './app/callers/open-workload-tokens.ts';
import { openConnectionsFile } from './app/connections-file/apply-at-start.ts';
import { explainQueue } from './app/diagnosis/explain-queue.ts';
import { layFoundation } from './app/foundation.ts';
import { createJobHandlers, jobIntervals } from './app/job-handlers.ts';
import { openEncryptionKeys } from './app/keys/open-encryption-keys.ts';
import { openKeyWatch } from './app/keys/open-key-watch.ts';
import { openBroker } from './app/open-broker.ts';
import { openFetchAudit } from './app/open-fetch-audit.ts';
import { installationReadings, monitoredState, openMetrics } from './app/open-metrics.ts';
import { openRegistrations } from './app/open-registrations.ts';
import { createProbes } from './app/probes.ts';
import { openProvider } from './app/provider.ts';
import { reportUnexpected } from './app/report-unexpected.ts';
import { openServer } from './app/server/open-server.ts';
import { startUp } from './app/startup.ts';
import { openPostgres, queueLocation, queueOwner } from './app/storage.ts';
import type { Broker } from './broker/assembly/create-broker.ts';
import type { Config } from './config.ts';
import { createDeferredCipher } from './crypto/deferred-cipher.ts';
import { createDerivedKeys } from './crypto/derived-keys.ts';
import { createTokens } from './crypto/tokens.ts';
import { claimInstances } from './embedded/instance.ts';
import { createJobs, type Jobs } from './jobs/create-jobs.ts';
import { createWorkerHeartbeat } from './jobs/worker-heartbeat.ts';
import { createCachedApiKeys } from './postgres/cache/api-key-cache.ts';

export interface App {
  /** URL it listens on. Health routes answer from now on, all others once `ready` resolves. */
  address: string;
  publicUrl: string;
  /** File of the generated admin key; null if none was generated. */
  adminKeyFile: string | null;
  /** Whether this start created the admin key. */
  adminKeyCreated: boolean;
  /** Rejects if no retry helps: a missing key, a broken migration. */
  ready: Promise<void>;
  /** Stops accepting, finishes requests and refreshes in flight, and closes in the reverse order of building. */
  close(): Promise<void>;
}

/** Refreshes that one process runs at once. The call limiter bounds them further for each token endpoint. */
const refreshConcurrency = 100;
const choresEveryMs = 60_000;
/** Time in milliseconds that a step of the start has to end when the process closes. */
const startEndsWithinMs = 10_000;

/** Builds all parts in order and listens. Throws if the process cannot run or `ending` aborts, with all parts closed. */
export async function createApp(config: Config, log: Logger, ending = new AbortController().signal): Promise<App> {
  const stack = new AsyncDisposableStack();
  try {
    return await build(config, log, stack, ending);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function build(config: Config, log: Logger, stack: AsyncDisposableStack, ending: AbortSignal): Promise<App> {
  const onError = (error: unknown) => log.warn({ err: error }, 'background task failed');
  const foundation = await layFoundation(config, log, stack);
  ending.throwIfAborted();
  const instances = await claimInstances(config.dataDir, (level, message, fields = {}) => log[level](fields, message));
  for (const { release } of instances) stack.defer(async () => release());

  const postgres = openPostgres(config, foundation, onError);
  stack.defer(() => postgres.close());
  const keyEncryptionKeys = await openEncryptionKeys(foundation.encryptionKeys, config);
  const cipher = createDeferredCipher();
  const watched = { config, log, postgres, cipher, keyEncryptionKeys, instance: instances[0], onError };
  const keyWatch = openKeyWatch(watched, () => broker);
  stack.defer(() => keyWatch.stop());
  const derivedKeys = createDerivedKeys(foundation.encryptionKeys, keyWatch.dataKeys);
  const clock = postgres.clock.now;
  const metrics = openMetrics((id) => provider.catalogue.find(id)?.id);
  const fetchAudit = openFetchAudit(postgres, log, stack, { onError, onLost: metrics.onFetchAuditLost });
  const registerFetch = openRegistrations(postgres, log, stack, onError);
  const apiKeys = createCachedApiKeys({ store: postgres.apiKeys, listener: postgres.listener, clock });
  stack.defer(() => apiKeys.flush().catch(onError));
  const workloadTokens = openWorkloadTokens(config, log, stack, clock);
  const sharedCounts = openSharedCounts(config, log, stack);
  const { onProviderRequest: onRequestEnd, onCircuitOpened } = metrics;
  const provider = openProvider(config, log, { now: clock, onRequestEnd, onCircuitOpened });
  stack.defer(() => provider.close());

  const jobs: Jobs = createJobs({
    location: queueLocation(config, foundation),
    installationId: async () => queueOwner(await postgres.installationId(), config),
    intervals: jobIntervals(config),
    concurrency: refreshConcurrency,
    handlers: createJobHandlers(() => broker, log),
    onJobEnd: metrics.onJob,
    log,
    explain: (error) => explainQueue(config, error),
  });
  const ended = new AbortController();
  stack.defer(() => ended.abort());
  const tokens = createTokens();
  let waitingFor: string | null = 'The service is starting.';
  let publicUrl = config.publicUrl ?? '';
  const broker: Broker = openBroker({
    config,
    log,
    foundation,
    instance: instances[0],
    postgres,
    apiKeys,
    workloadTokens,
    provider,
    queue: jobs,
    readings: installationReadings({ config, postgres, jobs }),
    cipher,
    keyEncryptionKeys,
    derivedKeys,
    tokens,
    ended: ended.signal,
    onRefreshEnd: metrics.onRefresh,
    fetchObservers: [metrics.onFetch, fetchAudit.onFetch, registerFetch],
    publicUrl: () => publicUrl,
    onError,
  });
  const connectionsFile = openConnectionsFile(config, broker, log);
  stack.defer(() => broker.drainRefreshes());
  stack.defer(() => broker.flushSweepStatistics());
  stack.defer(() => jobs.close());
  const heartbeat = createWorkerHeartbeat({
    workers: postgres.workers,
    id: instances[0].id,
    isWorking: () => jobs.isUp(),
    onError: reportUnexpected(onError),
  });
  stack.defer(() => heartbeat.stop());

  metrics.watch(monitoredState({ config, postgres, jobs, cipher, provider, fetchAudit }));
  const server = await openServer(
    {
      config,
      log,
      foundation,
      broker,
      provider,
      probes: createProbes({ config, postgres, jobs, cipher, connectionsFile, waitingFor: () => waitingFor }),
      metrics,
      derivedKeys,
      tokens,
      sharedCounts,
      publicUrl: () => publicUrl,
      clock,
    },
    stack,
  );
  stack.defer(() => server.close());
  ending.throwIfAborted();
  const address = await server.listen({ host: config.host, port: config.port });
  publicUrl ||= `http://localhost:${new URL(address).port}`;

  const background: Background = {
    config,
    log,
    foundation,
    instances,
    postgres,
    apiKeys,
    sharedCounts,
    jobs,
    keyWatch,
    broker,
    connectionsFile,
    heartbeat,
    onError,
  };
  const closing = new AbortController();
  const onWaiting = (reason: string | null) => {
    waitingFor = reason;
  };
  const ready = startUp(stepsToReady(background), { log, onWaiting, signal: closing.signal });
  stack.defer(async () => {
    closing.abort();
    // A migration may wait for that of another process. Its end by a closed connection changes nothing.
    await Promise.race([ready.catch(() => {}), sleep(startEndsWithinMs, undefined, { ref: false })]);
  });
  const chores = setInterval(() => doChores(background), choresEveryMs);
  stack.defer(() => clearInterval(chores));
  return {
    address,
    publicUrl,
    adminKeyFile: foundation.adminKeyFile,
    adminKeyCreated: foundation.adminKeyCreated,
    ready,
    close: () => stack.disposeAsync(),
  };
}
