import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/**
 * Headers of every response. `no-store`: responses hold configuration and tokens, which no cache may keep.
 * `no-referrer`: URLs of links and callbacks hold state and code, which no later site may see (RFC 9700 §4.2.4).
 */
export function commonHeaders(requestId: string): Record<string, string> {
  return {
    'x-request-id': requestId,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
  };
}

export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(commonHeaders(request.id));
}

export function registerCommonHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply);
    done();
  });
}

/** Milliseconds between two looks for connections that became idle: how long one may delay the close. */
const closeIdleEveryMs = 50;

/**
 * Adds `Connection: close` to responses sent after closing begins. An idle connection that stays open would delay the
 * close by up to the keep-alive timeout.
 */
export function registerConnectionClose(app: FastifyInstance): void {
  let closing = false;
  app.addHook('preClose', (done) => {
    closing = true;
    // The headers of a long response may have been sent before closing began, without `Connection: close`.
    const timer = setInterval(() => app.server.closeIdleConnections(), closeIdleEveryMs).unref();
    app.server.once('close', () => clearInterval(timer));
    done();
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
}
