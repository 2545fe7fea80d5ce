import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BrokerError, invalidRequest, isBrokerError } from '../domain/errors.ts';
import { describeError } from './error-log.ts';
import { sendPage } from './pages/page.ts';
import { problemPage } from './pages/problem.ts';
import { headersOf, notFound, problemMediaType, problems, toProblem } from './problem.ts';

/** What Fastify itself refuses, in the broker's words. Undefined: not the request's fault. */
function ofFramework(error: FastifyError): BrokerError | undefined {
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return BrokerError.of('payload_too_large', 'The body is larger than this route takes.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return BrokerError.of('unsupported_media_type', 'This media type is not taken here.');
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return invalidRequest({ path: 'body', message: 'is not valid JSON' });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return invalidRequest({ path: 'header.Content-Length', message: 'does not match the body' });
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_INVALID_URL':
      return invalidRequest({ path: 'path', message: 'is not validly encoded' });
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return invalidRequest({ path: 'path', message: 'holds a part that is too long' });
    case 'FST_ERR_NOT_FOUND':
      return notFound();
  }
  // A request that ended before its body did, and the like: the client's doing, whatever its code is called.
  const status = error.statusCode;
  return status !== undefined && status >= 400 && status < 500
    ? invalidRequest({ path: 'body', message: 'could not be read' })
    : undefined;
}

function internalError(): BrokerError<'internal_error'> {
  return BrokerError.of(
    'internal_error',
    'Something failed inside the broker; its log has more under this request id.',
  );
}

export interface ErrorReplies {
  reply: (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;
}

/** The one way out for whatever went wrong. Nothing of an unexpected error leaves the process. */
export function createErrorReplies(basePath: string): ErrorReplies {
  return {
    reply: (error, request, reply) => {
      const known = isBrokerError(error)
        ? error
        : error instanceof Error
          ? ofFramework(error as FastifyError)
          : undefined;
      const answer = known ?? internalError();
      if (answer.code === 'internal_error') {
        request.log.error({ request_id: request.id, err: describeError(error) }, 'request failed');
      } else if (isBrokerError(error) && error.cause !== undefined) {
        request.log.info(
          { request_id: request.id, code: error.code, err: describeError(error) },
          'request refused with a cause',
        );
      }
      request.problemCode = answer.code;
      reply.code(problems[answer.code].status).headers(headersOf(answer));
      if (wantsPage(request)) return sendPage(reply, problemPage(answer));
      return reply.type(problemMediaType).send(JSON.stringify(toProblem(answer, request.id, basePath)));
    },
  };
}

/** Only where a person looks: a browser on a browser's route. */
function wantsPage(request: FastifyRequest): boolean {
  return (
    request.routeOptions.config?.declaration?.tag === 'Browser' && (request.headers.accept ?? '').includes('text/html')
  );
}

export function registerErrors(app: FastifyInstance, { reply: answer }: ErrorReplies): void {
  app.setErrorHandler((error, request, reply) => answer(error, request, reply));
  app.setNotFoundHandler((request, reply) => answer(notFound('No such route.'), request, reply));
}

/** Requests too broken for a route: no request object exists, so the answer is written by hand and the socket ends. */
export function createClientErrorHandler(basePath: string) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const answer =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? BrokerError.of('payload_too_large', 'The headers are too large.')
        : invalidRequest({
            path: 'request',
            message: error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'took too long to arrive' : 'is not valid HTTP',
          });
    const body = JSON.stringify(toProblem(answer, randomUUID(), basePath));
    const { status, title } = problems[answer.code];
    const head = `HTTP/1.1 ${status} ${title}\r\ncontent-type: ${problemMediaType}\r\ncontent-length: ${Buffer.byteLength(body)}`;
    socket.end(`${head}\r\nconnection: close\r\n\r\n${body}`);
  };
}
