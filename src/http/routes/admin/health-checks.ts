import type { FastifyInstance } from 'fastify';
import type { CheckOneHealth } from '../../../broker/administration/check-one-health.ts';
import type { ReadHealthStats } from '../../../broker/administration/read-health-stats.ts';
import type { RequestHealthRun } from '../../../broker/administration/request-health-run.ts';
import * as routes from '../../contract/admin/health-checks.ts';
import { mount } from '../../mount.ts';
import { fromHealthReport, fromHealthRun, fromHealthStats } from '../../schemas/admin/health-checks.ts';

export interface HealthCheckUseCases {
  checkOneHealth: CheckOneHealth;
  requestHealthRun: RequestHealthRun;
  readHealthStats: ReadHealthStats;
}

export function healthCheckRoutes(app: FastifyInstance, useCases: HealthCheckUseCases): void {
  const { checkOneHealth, requestHealthRun, readHealthStats } = useCases;
  mount(app, routes.checkOneHealth, async ({ caller, params, trace }) =>
    fromHealthReport(params.id, await checkOneHealth(caller, params.id, trace)),
  );

  // Only callers of the whole installation reach this route.
  mount(app, routes.requestHealthRun, async ({ caller, trace }) =>
    fromHealthRun(await requestHealthRun(caller, trace), true),
  );

  mount(app, routes.getHealthStats, async ({ caller }) => fromHealthStats(await readHealthStats(caller)));
}
