import type { OnFetch } from '../domain/grants/credential-fetch.ts';
import type {
  OnJobEnd,
  OnProviderRequestEnd,
  OnRefreshEnd,
  OnRequestEnd,
} from '../domain/ports/monitoring/observations.ts';
import { type Cells, closedSet, createCells } from './cells.ts';
import { createDurations, observe } from './durations.ts';
import type { Metrics, Series } from './registry.ts';

/** Counts events. A count is an addition to a plain number, so that a fetch pays less than a microsecond for it. */
export interface EventMetrics {
  onRequest: OnRequestEnd;
  onFetch: OnFetch;
  onRefresh: OnRefreshEnd;
  onProviderRequest: OnProviderRequestEnd;
  onJob: OnJobEnd;
  onCircuitOpened: () => void;
  onFetchAuditLost: (fetches: number) => void;
}

export interface ClosedSets {
  /** Returns the id of the template that has this id or alias. */
  templateIdOf: (id: string) => string | undefined;
  /** Patterns of the routes. */
  routes: readonly string[];
  jobKinds: readonly string[];
}

/** Bounds in seconds: a fetch from memory takes below 1 ms, a request that waits for a provider up to a minute. */
const requestBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Bounds in seconds of calls to a provider, which end after 30 seconds unless configured otherwise. */
const providerBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Bounds in seconds of jobs. A sweep of millions of grants takes minutes. */
const jobBounds = [0.01, 0.1, 1, 10, 60, 300, 1800];

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const templateForUnknown = 'generic';

interface Count {
  value: number;
}

export function registerEventMetrics(metrics: Metrics, sets: ClosedSets): EventMetrics {
  const providerOf = (id: string) => sets.templateIdOf(id) ?? templateForUnknown;
  return {
    ...requestMetrics(metrics, closedSet(sets.routes, 'none')),
    ...fetchMetrics(metrics),
    ...refreshMetrics(metrics, providerOf),
    ...providerMetrics(metrics, providerOf),
    ...jobMetrics(metrics, closedSet(sets.jobKinds, 'other')),
  };
}

type Close = (value: string) => string;

function requestMetrics(metrics: Metrics, routeOf: Close): Pick<EventMetrics, 'onRequest'> {
  const methodOf = closedSet(methods, 'other');
  const requests = createCells(() => createDurations(requestBounds));
  metrics.histogram(
    {
      name: 'token_broker_http_request_duration_seconds',
      help: 'Duration of HTTP requests by route pattern, method and status code.',
      labels: ['route', 'method', 'status'],
    },
    requestBounds,
    requests,
  );
  return {
    onRequest({ route, method, status, seconds }) {
      observe(requests.at(routeOf(route ?? 'none'), methodOf(method), String(status)), requestBounds, seconds);
    },
  };
}

function fetchMetrics(metrics: Metrics): Pick<EventMetrics, 'onFetch' | 'onFetchAuditLost'> {
  const fetches = countsOf(metrics, {
    name: 'token_broker_credential_fetches_total',
    help: 'Calls for a credential by operation, result (served, or the code of the refusal) and source of the token.',
    labels: ['operation', 'result', 'source'],
  });
  for (const source of ['cache', 'store', 'refresh']) fetches.at('fetch', 'served', source);
  const lost = countsOf(metrics, {
    name: 'token_broker_audit_fetches_lost_total',
    help: 'Fetches without an audit event, because the database did not take it in time.',
  }).at();
  return {
    onFetch({ operation, refusal, source }) {
      fetches.at(operation, refusal ?? 'served', source ?? 'none').value += 1;
    },
    onFetchAuditLost(count) {
      lost.value += count;
    },
  };
}

function refreshMetrics(metrics: Metrics, providerOf: Close): Pick<EventMetrics, 'onRefresh'> {
  const refreshes = countsOf(metrics, {
    name: 'token_broker_refreshes_total',
    help: 'Refreshes of grants by provider template, result and reason (a status_reason or a class of failures).',
    labels: ['provider', 'result', 'reason'],
  });
  const durations = createCells(() => createDurations(providerBounds));
  metrics.histogram(
    {
      name: 'token_broker_refresh_duration_seconds',
      help: 'Duration of refreshes by provider template, from the lease to the stored token set.',
      labels: ['provider'],
    },
    providerBounds,
    durations,
  );
  return {
    onRefresh({ provider, result, reason, seconds }) {
      const template = providerOf(provider);
      refreshes.at(template, result, reason ?? 'none').value += 1;
      observe(durations.at(template), providerBounds, seconds);
    },
  };
}

function providerMetrics(
  metrics: Metrics,
  providerOf: Close,
): Pick<EventMetrics, 'onProviderRequest' | 'onCircuitOpened'> {
  const requests = countsOf(metrics, {
    name: 'token_broker_provider_requests_total',
    help: 'HTTP requests to providers by provider template, kind of request and result.',
    labels: ['provider', 'kind', 'result'],
  });
  const durations = createCells(() => createDurations(providerBounds));
  metrics.histogram(
    {
      name: 'token_broker_provider_request_duration_seconds',
      help: 'Duration of HTTP requests to providers by provider template and kind of request.',
      labels: ['provider', 'kind'],
    },
    providerBounds,
    durations,
  );
  const opened = countsOf(metrics, {
    name: 'token_broker_circuits_opened_total',
    help: 'Times that a circuit of a token endpoint opened.',
  }).at();
  return {
    onProviderRequest({ provider, kind, result, seconds }) {
      const template = providerOf(provider);
      requests.at(template, kind, result).value += 1;
      observe(durations.at(template, kind), providerBounds, seconds);
    },
    onCircuitOpened() {
      opened.value += 1;
    },
  };
}

function jobMetrics(metrics: Metrics, kindOf: Close): Pick<EventMetrics, 'onJob'> {
  const jobs = countsOf(metrics, {
    name: 'token_broker_jobs_ended_total',
    help: 'Jobs that this process ran, by kind and result.',
    labels: ['kind', 'result'],
  });
  const durations = createCells(() => createDurations(jobBounds));
  metrics.histogram(
    {
      name: 'token_broker_job_duration_seconds',
      help: 'Duration of the jobs that this process ran, by kind.',
      labels: ['kind'],
    },
    jobBounds,
    durations,
  );
  return {
    onJob({ kind, result, seconds }) {
      const known = kindOf(kind);
      jobs.at(known, result).value += 1;
      observe(durations.at(known), jobBounds, seconds);
    },
  };
}

function countsOf(metrics: Metrics, described: Parameters<Metrics['counter']>[0]): Cells<Count> {
  const counts = createCells<Count>(() => ({ value: 0 }));
  metrics.counter(described, () => seriesOf(counts));
  return counts;
}

function* seriesOf(counts: Cells<Count>): Iterable<Series> {
  for (const [values, { value }] of counts.entries()) yield [values, value];
}
