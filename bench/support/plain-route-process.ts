import fastify from 'fastify';
import { reportToParent } from './fork.ts';
import type { PlainRoute, PlainRouteOptions } from './plain-route.ts';

await reportToParent<PlainRouteOptions, PlainRoute>(async ({ response }) => {
  const app = fastify({ logger: false });
  app.get('/credentials/:name', async () => response);
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }) };
});
