import { declare } from '../declaration.ts';
import { health, liveness, readiness } from '../schemas/health.ts';

const access = { for: 'public', limited: false } as const;

export const getHealth = declare({
  operationId: 'getHealth',
  tag: 'Health',
  summary: 'Whether credentials can be served',
  method: 'GET',
  path: '/health',
  access,
  answers: {
    200: {
      description: 'They can; degraded while the queue is down.',
      schema: health,
      example: {
        status: 'ok',
        service: 'token-broker',
        version: '0.1.0',
        timestamp: '2030-01-31T12:00:00.000Z',
        database: 'ok',
        queue: 'ok',
      },
    },
    503: { description: 'The database is away.', schema: health },
  },
  problems: [],
});

export const getLiveness = declare({
  operationId: 'getLiveness',
  tag: 'Health',
  summary: 'Whether this process runs',
  method: 'GET',
  path: '/livez',
  access,
  answers: { 200: { description: 'It does.', schema: liveness, example: { status: 'ok' } } },
  problems: [],
});

export const getReadiness = declare({
  operationId: 'getReadiness',
  tag: 'Health',
  summary: 'Whether this process should get traffic',
  method: 'GET',
  path: '/readyz',
  access,
  answers: {
    200: { description: 'It should.', schema: readiness },
    503: { description: 'Not yet, or not now.', schema: readiness },
  },
  problems: [],
});
