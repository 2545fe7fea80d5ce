import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { BrokerError, invalidRequest } from '../domain/errors.ts';
import { commonHeaders } from './common-headers.ts';
import { lingerMs, requestTimeout } from './limits/body-time.ts';
import { problemMediaType, problems, toProblem } from './problem.ts';
import { requestIdOf } from './trace.ts';

/**
 * Handles bytes that the HTTP parser rejects. Fastify makes no request and no reply for them, so the handler writes the
 * problem to the socket itself and ends the connection.
 */
export function createClientErrorHandler(publicPath: string) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const refusal = refusalOf(error.code);
    const { status, title } = problems[refusal.code];
    const requestId = randomUUID();
    const body = JSON.stringify(toProblem(refusal, requestId, publicPath));
    const headers = {
      ...commonHeaders(requestId),
      'content-type': problemMediaType,
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    socket.end([`HTTP/1.1 ${status} ${title}`, ...lines, '', body].join('\r\n'));
    // A client that ignores the end and sends on would hold its socket.
    setTimeout(() => socket.destroy(), lingerMs).unref();
  };
}

/** Takes over what Node would refuse by itself, without the headers that every response has. */
export function replaceNodeRefusals(app: FastifyInstance): void {
  // RFC 9110 §10.1.1: no expectation but 100-continue can be met.
  app.server.on('checkExpectation', (request, response) => {
    response.writeHead(417, { ...commonHeaders(requestIdOf(request)), 'content-length': 0 }).end();
  });
  // RFC 9112 §3.2: a request of HTTP/1.1 without a host is refused. `requireHostHeader` would let Node do it.
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    if (raw.headers.host !== undefined || raw.httpVersion === '1.0') return done();
    done(invalidRequest({ path: 'Host', message: 'is missing' }));
  });
}

function refusalOf(code: string | undefined): BrokerError {
  if (code === 'HPE_HEADER_OVERFLOW') return BrokerError.of('payload_too_large', 'The headers are too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return requestTimeout();
  return invalidRequest({ path: 'request', message: 'is not valid HTTP' });
}
