import type { MonitoredState } from '../domain/ports/monitoring/readings.ts';
import { registerGrants, registerJobs, registerSweeps } from './installation-metrics.ts';
import { createLatest, type Latest } from './latest.ts';
import { type Metrics, one, type Series } from './registry.ts';

/** Longest time in milliseconds that a scrape waits for one read. Prometheus gives a scrape 10 seconds by default. */
const readTimeoutMs = 2_000;
/** Age in milliseconds of the counts of grants, which are the same in every process and cost the most to read. */
const grantsKeptMs = 60_000;

/** Registers the states that are read at each scrape. Returns the function that reads them. */
export function registerStateMetrics(metrics: Metrics, state: MonitoredState): () => Promise<void> {
  const reads: Latest<unknown>[] = [];
  const latest = <T>(read: () => Promise<T>, keepMs = 0): Latest<T> => {
    const added = createLatest({ read, keepMs, timeoutMs: readTimeoutMs, elapsedMs: () => performance.now() });
    reads.push(added);
    return added;
  };
  registerProcess(
    metrics,
    state,
    latest(() => state.ping().then(() => true)),
  );
  registerPools(metrics, state);
  registerSweeps(metrics, latest(state.workers), latest(state.lastSweep));
  registerGrants(metrics, latest(state.grants, grantsKeptMs), latest(state.backlog, grantsKeptMs));
  registerJobs(metrics, latest(state.queues));
  const unsaved = latest(state.unsavedTokens);
  metrics.gauge(
    {
      name: 'token_broker_unsaved_tokens',
      help: 'Token sets in the spool of this data directory that the database has not stored yet.',
    },
    () => one(unsaved.value()),
  );
  return async () => {
    await Promise.all(reads.map((read) => read.refresh()));
  };
}

function registerProcess(metrics: Metrics, state: MonitoredState, ping: Latest<boolean>): void {
  const up = (name: string, help: string, isUp: () => boolean) =>
    metrics.gauge({ name, help }, () => one(isUp() ? 1 : 0));
  up('token_broker_ready', 'Whether the start of this process is over (1) or not (0).', state.isReady);
  up(
    'token_broker_database_up',
    'Whether the database replied to this process (1) or not (0).',
    () => ping.value() === true,
  );
  up('token_broker_queue_up', 'Whether the queue works for this process (1) or not (0).', state.isQueueUp);
  up(
    'token_broker_listener_up',
    'Whether this process hears the notifications of others (1) or not (0). Without them it caches nothing.',
    state.isListenerUp,
  );
  metrics.gauge(
    {
      name: 'token_broker_circuits',
      help: 'Token endpoints that this process knows, by the state of their circuit.',
      labels: ['state'],
    },
    () => Object.entries(state.circuits()).map(([name, count]) => [[name], count]),
  );
  metrics.counter(
    { name: 'token_broker_credential_cache_hits_total', help: 'Look-ups of a credential that the cache answered.' },
    () => one(state.cache().hits),
  );
  metrics.counter(
    {
      name: 'token_broker_credential_cache_misses_total',
      help: 'Look-ups of a credential that the database answered.',
    },
    () => one(state.cache().misses),
  );
  metrics.gauge(
    {
      name: 'token_broker_audit_events_waiting',
      help: 'Audit events of fetches in memory that are not written yet. A kill of the process loses them.',
    },
    () => one(state.auditEventsWaiting()),
  );
  metrics.gauge({ name: 'token_broker_credential_cache_entries', help: 'Entries in the cache of credentials.' }, () =>
    one(state.cache().entries),
  );
}

function registerPools(metrics: Metrics, { pools }: MonitoredState): void {
  metrics.gauge(
    {
      name: 'token_broker_database_connections',
      help: 'Open connections of this process to the database, by pool and state.',
      labels: ['pool', 'state'],
    },
    () =>
      pools().flatMap(({ pool, open, idle }): Series[] => [
        [[pool, 'idle'], idle],
        [[pool, 'busy'], open - idle],
      ]),
  );
  metrics.gauge(
    {
      name: 'token_broker_database_connections_max',
      help: 'Maximum connections of this process to the database, by pool.',
      labels: ['pool'],
    },
    () => pools().map(({ pool, max }) => [[pool], max]),
  );
  metrics.gauge(
    {
      name: 'token_broker_database_waiting_callers',
      help: 'Callers in this process that wait for a connection, by pool.',
      labels: ['pool'],
    },
    () => pools().map(({ pool, waiting }) => [[pool], waiting]),
  );
}
