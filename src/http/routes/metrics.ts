import type { FastifyInstance } from 'fastify';
import type { ReadMetrics } from '../../domain/ports/monitoring/readings.ts';
import * as routes from '../contract/metrics.ts';
import { mount } from '../mount.ts';

export function metricsRoutes(app: FastifyInstance, readMetrics: ReadMetrics): void {
  mount(app, routes.getMetrics, async (_call, reply) => {
    const { contentType, text } = await readMetrics();
    reply.type(contentType);
    return text;
  });
}
