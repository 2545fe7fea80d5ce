import { z } from 'zod';
import { accessOf } from '../../domain/callers/access.ts';
import { declare } from '../declaration.ts';

export const getMetrics = declare({
  operationId: 'getMetrics',
  tag: 'Health',
  summary: 'Read the metrics of this process',
  description:
    'Metrics in the text format of Prometheus. Needs every organisation and the global scope. Also answers while the database is unavailable: an API key that read metrics in the last hour is still accepted then.',
  method: 'GET',
  path: '/metrics',
  access: accessOf.getMetrics,
  needsDatabase: false,
  responses: {
    200: {
      description: 'Metrics. States that cannot be read are left out.',
      schema: z.string(),
      mediaType: 'text/plain',
      example: '# HELP token_broker_database_up Whether the database replied to this process (1) or not (0).\n',
    },
  },
  problems: [],
});
