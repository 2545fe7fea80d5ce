import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** Every answer holds somebody's configuration or keys: none may be kept on the way. */
export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({ 'x-request-id': request.id, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
}

export function registerCommonHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply);
    done();
  });
}

/**
 * Requests in flight when closing begins end their connection. Left open, each would hold the close up for as long as
 * connections are kept alive.
 */
export function registerConnectionClose(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
}
