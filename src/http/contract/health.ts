import { declare } from '../declaration.ts';
import { health, liveness, readiness } from '../schemas/health.ts';

const access = { for: 'public', limited: false } as const;

export const getHealth = declare({
  operationId: 'getHealth',
  tag: 'Health',
  summary: 'Read the health of the service',
  description: 'The status code tells if credentials can be served.',
  method: 'GET',
  path: '/health',
  access,
  responses: {
    200: {
      description:
        'Credentials can be served. Status is degraded if the queue is unavailable or refuses writes, no worker is alive, the last sweep ended more than two intervals ago, or token sets wait to be stored.',
      schema: health,
      example: {
        status: 'ok',
        service: 'token-broker',
        version: '0.1.0',
        timestamp: '2030-01-31T12:00:00.000Z',
        database: 'ok',
        queue: 'ok',
        queue_failure: null,
        workers: 2,
        last_sweep_at: '2030-01-31T11:45:00.000Z',
        unsaved_tokens: 0,
        refresh_mode: 'on',
      },
    },
    503: { description: 'The database is unavailable; credentials cannot be served.', schema: health },
  },
  problems: [],
});

export const getLiveness = declare({
  operationId: 'getLiveness',
  tag: 'Health',
  summary: 'Check that the process is alive',
  method: 'GET',
  path: '/livez',
  access,
  responses: { 200: { description: 'The process is alive.', schema: liveness, example: { status: 'ok' } } },
  problems: [],
});

export const getReadiness = declare({
  operationId: 'getReadiness',
  tag: 'Health',
  summary: 'Check that the process is ready for traffic',
  method: 'GET',
  path: '/readyz',
  access,
  responses: {
    200: { description: 'The process is ready.', schema: readiness },
    503: { description: 'The process is not ready: at least one of the checks is false.', schema: readiness },
  },
  problems: [],
});
