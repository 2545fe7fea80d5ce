import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { BrokerError } from '../../domain/errors.ts';

/** Maximum time for the body of a request, or for the next line of a stream, to arrive. Headers have their own limit. */
export const bodyTimeoutMs = 30_000;

/** Time for a client to read a response that ended before its request. Its connection then ends. */
export const lingerMs = 1000;

const timeoutCode = 'ERR_HTTP_REQUEST_TIMEOUT';

/**
 * Refuses requests whose body arrives too slowly. A stream of lines may take any time while its handler reads it, and has
 * no more once the response has ended. Node's own limit for a request cannot be lifted for one route. The error goes the
 * way of Node's, so the client sees the same response.
 */
export function limitBodyTime(app: FastifyInstance, timeoutMs: number): void {
  app.addHook('onRequest', ({ raw, routeOptions }, reply, done) => {
    if (!hasBody(raw)) return done();
    const isStream = routeOptions.config?.declaration?.lines !== undefined;
    if (isStream) closeAfterResponse(raw, reply.raw);
    else startTimer(raw, reply.raw);
    done();
  });

  function startTimer(request: IncomingMessage, response: ServerResponse): void {
    const timer = setTimeout(() => {
      if (request.complete) return;
      // A second response would belong to no request.
      if (response.headersSent) return void request.socket.destroy();
      const error = Object.assign(new Error('The request took too long to arrive.'), { code: timeoutCode });
      app.server.emit('clientError', error, request.socket);
    }, timeoutMs);
    timer.unref();
    // A request ends or closes; one that nothing reads any more closes with its socket.
    request.once('end', () => clearTimeout(timer));
    request.once('close', () => clearTimeout(timer));
  }
}

export function requestTimeout(): BrokerError<'request_timeout'> {
  return BrokerError.of('request_timeout', 'The request took too long to arrive.');
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Ends the connection after a response that ended before the request, and reads on so that the client can see it. */
function closeAfterResponse(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete) return;
    request.resume();
    setTimeout(() => request.destroy(), lingerMs).unref();
  });
}
