import fastify from 'fastify';
import { answerParent } from './fork.ts';
import type { PlainRoute, PlainRouteOptions } from './plain-route.ts';

await answerParent<PlainRouteOptions, PlainRoute>(async ({ answer }) => {
  const app = fastify({ logger: false });
  app.get('/credentials/:name', async () => answer);
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }) };
});
