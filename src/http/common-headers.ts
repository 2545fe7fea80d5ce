import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Every answer holds somebody's configuration or keys: none may be kept on the way. */
export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
}

export function registerCommonHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => setCommonHeaders(request, reply));
}
