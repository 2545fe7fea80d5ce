import about from '../../package.json' with { type: 'json' };
import type { Config } from '../config.ts';
import type { DeferredCipher } from '../crypto/deferred-cipher.ts';
import type { InstallationReadings, MonitoredState } from '../domain/ports/monitoring/readings.ts';
import type { CircuitState } from '../domain/ports/oauth.ts';
import { countUnsavedTokens } from '../embedded/unsaved-tokens.ts';
import { contract } from '../http/contract/contract.ts';
import type { Jobs } from '../jobs/create-jobs.ts';
import { jobKinds } from '../jobs/job-kinds.ts';
import { createMetrics, type ProcessMetrics } from '../metrics/create-metrics.ts';
import type { Postgres } from '../postgres/postgres.ts';
import type { openProvider } from './provider.ts';

/** Creates the metrics of this process with the closed sets of their labels. */
export function openMetrics(templateIdOf: (id: string) => string | undefined): ProcessMetrics {
  return createMetrics({
    version: about.version,
    templateIdOf,
    routes: contract.map(({ path }) => path),
    jobKinds,
  });
}

export interface MonitoredParts {
  config: Pick<Config, 'dataDir' | 'refresh'>;
  postgres: Postgres;
  jobs: Jobs;
  cipher: DeferredCipher;
  provider: Pick<ReturnType<typeof openProvider>, 'circuits'>;
  fetchAudit: { waiting: () => number };
}

/** Maps the states that metrics show to the parts that have them. */
export function monitoredState({
  config,
  postgres,
  jobs,
  cipher,
  provider,
  fetchAudit,
}: MonitoredParts): MonitoredState {
  return {
    circuits: () => countCircuits(provider.circuits()),
    cache: postgres.cacheReadings,
    pools: postgres.poolReadings,
    auditEventsWaiting: fetchAudit.waiting,
    isListenerUp: postgres.listener.isUp,
    isQueueUp: jobs.isUp,
    isReady: cipher.isReady,
    ping: postgres.ping,
    workers: postgres.workers.state,
    lastSweep: postgres.sweeps.last,
    grants: postgres.readGrantReadings,
    backlog: () => postgres.readBacklog(postgres.clock.now(), config.refresh),
    queues: jobs.count,
    unsavedTokens: () => countUnsavedTokens(config.dataDir),
  };
}

/** Maps what administrators see of the installation to the same parts. */
export function installationReadings({
  config,
  postgres,
  jobs,
}: Pick<MonitoredParts, 'config' | 'postgres' | 'jobs'>): InstallationReadings {
  return {
    isListenerUp: postgres.listener.isUp,
    isQueueUp: jobs.isUp,
    backlog: () => postgres.readBacklog(postgres.clock.now(), config.refresh),
    queues: jobs.count,
    unsavedTokens: () => countUnsavedTokens(config.dataDir),
    background: postgres.workers.state,
  };
}

function countCircuits(circuits: readonly { state: CircuitState }[]): Record<CircuitState, number> {
  const counts = { closed: 0, open: 0, half_open: 0 };
  for (const { state } of circuits) counts[state] += 1;
  return counts;
}
