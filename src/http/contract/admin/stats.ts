import { accessOf } from '../../../domain/callers/access.ts';
import { declare } from '../../declaration.ts';
import { fleetStats } from '../../schemas/admin/stats.ts';

const bounded = { count: 3, complete: true };

export const getFleetStats = declare({
  operationId: 'getFleetStats',
  tag: 'Administration',
  summary: 'Count the grants of the caller’s organisations',
  description:
    'The sums are exact, and equal what GET /admin/grants lists at that time. due_soon, failing and refresh_tokens_expiring depend on the clock: they are counted up to 10,000, and for a caller with some organisations only up to 5,000.',
  method: 'GET',
  path: '/admin/stats',
  access: accessOf.getFleetStats,
  responses: {
    200: {
      description: 'The statistics.',
      schema: fleetStats,
      example: {
        as_of: '2030-01-31T12:00:00.000Z',
        total: 1205,
        by_status: { not_connected: 1, completed: 1200, failed: 4 },
        by_next_action: { authorize: 4, reconfigure: 1, wait: 0, none: 1200 },
        by_provider: [{ provider: 'slack', total: 1205, by_status: { not_connected: 1, completed: 1200, failed: 4 } }],
        by_reason: [
          { status_reason: 'reauthorization_required', total: 3 },
          { status_reason: 'client_rejected', total: 1 },
          { status_reason: 'configuration_changed', total: 1 },
        ],
        due_soon: bounded,
        failing: bounded,
        refresh_tokens_expiring: bounded,
        last_sweep: {
          started_at: '2030-01-31T11:30:00.000Z',
          finished_at: '2030-01-31T11:30:02.500Z',
          running: false,
          found: 12,
          refreshed: 11,
          failed: 1,
          skipped: 0,
        },
      },
    },
  },
  problems: [],
});
