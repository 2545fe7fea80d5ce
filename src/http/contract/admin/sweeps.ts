import { z } from 'zod';
import { accessOf } from '../../../domain/callers/access.ts';
import { declare } from '../../declaration.ts';
import { requestedSweep, sweepStatus } from '../../schemas/admin/sweeps.ts';
import { queryInteger } from '../../schemas/fields/text.ts';

const example = {
  id: '0198f2a6-7c1e-7000-8000-000000000000',
  is_running: false,
  started_at: '2030-01-31T12:00:00.000Z',
  finished_at: '2030-01-31T12:00:02.500Z',
  seconds: 2.5,
  found: 12,
  enqueued: 12,
  refreshed: 11,
  failed: 1,
  skipped: 0,
};

export const requestSweep = declare({
  operationId: 'requestSweep',
  tag: 'Administration',
  summary: 'Refresh expiring grants now',
  description:
    'Queues a sweep, which refreshes every due grant as the periodic sweep does. Only one sweep is active at a time, over all processes. A worker runs it: without one it waits in the queue, and the field workers of GET /health says how many there are. With REFRESH_MODE=off it is refused with connection_not_ready. Needs every organisation and the global scope.',
  method: 'POST',
  path: '/admin/refresh/expiring',
  access: accessOf.requestSweep,
  responses: {
    202: {
      description: 'A sweep is queued or active.',
      schema: requestedSweep,
      example: { state: 'queued', sweep: example },
    },
  },
  problems: ['connection_not_ready', 'service_unavailable'],
});

export const listSweeps = declare({
  operationId: 'listSweeps',
  tag: 'Administration',
  summary: 'Show the active sweep and the last ones',
  description:
    'Lists the sweeps that began last with their numbers. The last hundred are kept. Needs every organisation and the global scope.',
  method: 'GET',
  path: '/admin/refresh/status',
  access: accessOf.listSweeps,
  query: z.object({
    limit: queryInteger({ min: 1, max: 100, default: 20 }).describe('Maximum number of sweeps.'),
  }),
  responses: {
    200: {
      description: 'The sweeps.',
      schema: sweepStatus,
      example: { is_running: false, sweeps: [example] },
    },
  },
  problems: [],
});
