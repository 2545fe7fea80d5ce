import { z } from 'zod';
import { accessOf } from '../../../domain/callers/access.ts';
import { declare } from '../../declaration.ts';
import { healthReport, healthRun, healthStats } from '../../schemas/admin/health-checks.ts';
import { examples } from '../examples.ts';
import { opaque } from '../parameters.ts';

const healthy = {
  health: 'healthy',
  last_health_check_at: '2030-01-31T12:00:00.000Z',
  error: null,
  next_action: 'none',
};

const run = {
  id: '0198f2a6-7c1e-7000-8000-000000000000',
  state: 'finished',
  requested_at: '2030-01-31T11:59:59.000Z',
  started_at: '2030-01-31T12:00:00.000Z',
  finished_at: '2030-01-31T12:00:42.500Z',
  seconds: 42.5,
  total: 1205,
  checked: 1200,
  healthy: 1190,
  unhealthy: 10,
  skipped: 5,
};

export const checkOneHealth = declare({
  operationId: 'checkOneHealth',
  tag: 'Administration',
  summary: 'Check a connection or a grant at once',
  description:
    'Calls the provider’s API with the live access token, as the hourly health check does, and records the result. The id is that of a grant, which is checked, or of a connection, of which the first 20 grants within the caller’s organisations are checked. The check refreshes no token, sends nothing for a grant that failed, and is skipped while the API of the provider fails or has asked the client to slow down.',
  method: 'POST',
  path: '/admin/health/check/{id}',
  access: accessOf.checkOneHealth,
  params: z.object({ id: opaque.describe('Id of a connection or of a grant.') }),
  responses: {
    200: {
      description: 'The health after the check.',
      schema: healthReport,
      example: {
        id: examples.detail.id,
        kind: 'connection',
        organization_id: 'acme',
        connection_id: examples.detail.id,
        connection_name: 'crm',
        ...healthy,
        grants: [
          {
            grant_id: examples.grant.grant_id,
            organization_id: 'acme',
            subject: null,
            account_id: '4711',
            status: 'completed',
            status_reason: null,
            result: 'healthy',
            reason: null,
            ...healthy,
          },
        ],
        complete: true,
      },
    },
  },
  problems: ['connection_not_found'],
});

export const requestHealthRun = declare({
  operationId: 'requestHealthRun',
  tag: 'Administration',
  summary: 'Check all grants',
  description:
    'Requests a check of all grants of all organisations, which a worker runs in the background. Only one is unfinished at a time: a further request returns that one. GET /admin/health/stats shows its progress, which survives the loss of a worker or of the queue. With REFRESH_MODE=off it is refused with connection_not_ready. Needs every organisation and the global scope.',
  method: 'POST',
  path: '/admin/health/check-all',
  access: accessOf.requestHealthRun,
  responses: {
    202: {
      description: 'The check that is queued or runs.',
      schema: healthRun,
      example: {
        ...run,
        state: 'queued',
        started_at: null,
        finished_at: null,
        seconds: null,
        total: null,
        checked: 0,
        healthy: 0,
        unhealthy: 0,
        skipped: 0,
      },
    },
  },
  problems: ['connection_not_ready'],
});

export const getHealthStats = declare({
  operationId: 'getHealthStats',
  tag: 'Administration',
  summary: 'Count the caller’s grants by health',
  description:
    'Counts the grants within the caller’s organisations by their last health check. The sums are exact. last_run shows the check of all grants that runs or ran last.',
  method: 'GET',
  path: '/admin/health/stats',
  access: accessOf.getHealthStats,
  responses: {
    200: {
      description: 'The counts.',
      schema: healthStats,
      example: { total: 1205, healthy: 1190, unhealthy: 10, unchecked: 5, last_run: run },
    },
  },
  problems: [],
});
