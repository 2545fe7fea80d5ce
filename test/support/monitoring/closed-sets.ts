import about from '../../../package.json' with { type: 'json' };
import { grantStatuses, statusReasons } from '../../../src/domain/grants/grant.ts';
import {
  providerRequestKinds,
  providerRequestResults,
  refreshEndResults,
} from '../../../src/domain/ports/monitoring/observations.ts';
import { jobStates } from '../../../src/domain/ports/monitoring/readings.ts';
import { failureClasses } from '../../../src/domain/provider-failure.ts';
import { contract } from '../../../src/http/contract/contract.ts';
import { problems } from '../../../src/http/problem.ts';
import { jobKinds } from '../../../src/jobs/job-kinds.ts';
import { createCatalogue } from '../../../src/oauth/providers/catalogue.ts';
import type { ExposedMetric } from './exposition.ts';

type ClosedSets = Record<string, readonly string[]>;

const circuitStates = ['closed', 'open', 'half_open'];
const provider = createCatalogue()
  .list()
  .map(({ id }) => id);
const reason = ['none', ...statusReasons, ...failureClasses];
const codes = Object.keys(problems);
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'other'];
const pool = ['main', 'heartbeat', 'revocation'];

/** Values that each label of each metric of the broker can have. `status` of requests are checked as numbers. */
const closedSets: Record<string, ClosedSets> = {
  token_broker_build_info: { version: [about.version] },
  token_broker_http_request_duration_seconds: { route: ['none', ...contract.map(({ path }) => path)], method: methods },
  token_broker_credential_fetches_total: {
    operation: ['fetch', 'renew'],
    result: ['served', ...codes],
    source: ['cache', 'store', 'refresh', 'none'],
  },
  token_broker_refreshes_total: { provider, result: refreshEndResults, reason },
  token_broker_refresh_duration_seconds: { provider },
  token_broker_provider_requests_total: { provider, kind: providerRequestKinds, result: providerRequestResults },
  token_broker_provider_request_duration_seconds: { provider, kind: providerRequestKinds },
  token_broker_jobs_ended_total: {
    kind: ['other', ...jobKinds],
    result: ['completed', 'failed', 'postponed', 'interrupted'],
  },
  token_broker_job_duration_seconds: { kind: ['other', ...jobKinds] },
  token_broker_circuits: { state: circuitStates },
  token_broker_database_connections: { pool, state: ['idle', 'busy'] },
  token_broker_database_connections_max: { pool },
  token_broker_database_waiting_callers: { pool },
  token_broker_last_sweep_state: { state: ['finished', 'running', 'broken_off'] },
  token_broker_last_sweep_grants: { result: ['found', 'enqueued', 'refreshed', 'failed', 'skipped'] },
  token_broker_grants: { status: grantStatuses, reason: ['none', ...statusReasons] },
  token_broker_jobs: { queue: ['periodic', 'batches'], state: jobStates },
};

/** Lists label values of the broker's metrics that are in no closed set. */
export function openLabels(metrics: readonly ExposedMetric[]): string[] {
  return metrics
    .filter(({ name }) => name.startsWith('token_broker_'))
    .flatMap(({ name: metric, series }) =>
      series.flatMap(({ labels }) =>
        Object.entries(labels)
          .filter(([label, value]) => !isClosed(metric, label, value))
          .map(([label, value]) => `${metric}{${label}="${value}"}`),
      ),
    );
}

function isClosed(metric: string, label: string, value: string): boolean {
  if (label === 'le') return value === '+Inf' || Number.isFinite(Number(value));
  if (metric === 'token_broker_http_request_duration_seconds' && label === 'status') return /^[2-5]\d\d$/.test(value);
  return closedSets[metric]?.[label]?.includes(value) === true;
}
