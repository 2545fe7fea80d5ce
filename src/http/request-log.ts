import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/**
 * One line a request, at its end. It has the route's pattern and never the URL, which holds state and code, nor any
 * header. What looks after us all day is logged at debug.
 */
export function logCompleted(request: FastifyRequest, reply: FastifyReply): void {
  const declaration = request.routeOptions.config?.declaration;
  const line = {
    request_id: request.id,
    method: request.method,
    route: declaration?.path ?? 'none',
    status: reply.statusCode,
    duration_ms: Math.round(reply.elapsedTime * 10) / 10,
    caller: request.caller?.id ?? null,
    organization_id: request.actor?.organizationId ?? null,
    code: request.problemCode,
  };
  if (declaration?.tag === 'Health') request.log.debug(line, 'request completed');
  else request.log.info(line, 'request completed');
}

export function registerRequestLog(app: FastifyInstance): void {
  app.addHook('onResponse', (request, reply, done) => {
    logCompleted(request, reply);
    done();
  });
}
