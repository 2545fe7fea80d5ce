import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/**
 * Every answer holds somebody's configuration or keys: none may be kept on the way. The URLs of links and callbacks hold
 * state and code: no site that a browser goes on to is told of them (RFC 9700 §4.2.4).
 */
export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers({
    'x-request-id': request.id,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  });
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
