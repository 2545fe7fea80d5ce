import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { OnRequestEnd } from '../domain/ports/monitoring/observations.ts';

/**
 * Logs one line for each completed request. It holds the route's pattern, never the URL (which holds state and code) and
 * no header. Health routes are logged at debug level, because monitors call them all day.
 */
export function logCompleted(request: FastifyRequest, reply: FastifyReply): void {
  const { declaration, page } = request.routeOptions.config ?? {};
  const line = {
    request_id: request.id,
    method: request.method,
    route: declaration?.path ?? page ?? 'none',
    status: reply.statusCode,
    duration_ms: Math.round(reply.elapsedTime * 10) / 10,
    caller: request.caller?.id ?? null,
    organization_id: request.actor?.organizationId ?? null,
    code: request.problemCode,
  };
  if (declaration?.tag === 'Health') request.log.debug(line, 'request completed');
  else request.log.info(line, 'request completed');
}

/** Logs and reports each request when its response has been sent. */
export function registerRequestLog(app: FastifyInstance, onRequestEnd: OnRequestEnd): void {
  app.addHook('onResponse', (request, reply, done) => {
    logCompleted(request, reply);
    const { declaration, page } = request.routeOptions.config ?? {};
    onRequestEnd({
      route: declaration?.path ?? page ?? null,
      method: request.method,
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1000,
    });
    done();
  });
}
