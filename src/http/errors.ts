import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BrokerError, invalidRequest, isBrokerError } from '../domain/errors.ts';
import { setCommonHeaders } from './common-headers.ts';
import { describeError } from './error-log.ts';
import { sendPage } from './pages/page.ts';
import { problemPage } from './pages/problem.ts';
import { headersOf, notFound, problemMediaType, problems, toProblem } from './problem.ts';
import { logCompleted } from './request-log.ts';

/** Answers with whatever went wrong: the one way out. Nothing of an unexpected error leaves the process. */
export type ReplyWithError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

export function createReplyWithError(basePath: string): ReplyWithError {
  return (error, request, reply) => {
    const answer = asBrokerError(error);
    if (answer.code === 'internal_error') {
      request.log.error({ request_id: request.id, err: describeError(error) }, 'request failed');
    } else if (isBrokerError(error) && error.cause !== undefined) {
      const line = { request_id: request.id, code: error.code, err: describeError(error) };
      request.log.info(line, 'request refused with a cause');
    }
    request.problemCode = answer.code;
    reply.code(problems[answer.code].status).headers(headersOf(answer));
    if (wantsPage(request)) return sendPage(reply, problemPage(answer));
    // As bytes: to a string Fastify adds a charset, which this media type does not have.
    return reply.type(problemMediaType).send(Buffer.from(JSON.stringify(toProblem(answer, request.id, basePath))));
  };
}

export function registerErrors(app: FastifyInstance, replyWithError: ReplyWithError): void {
  app.setErrorHandler((error, request, reply) => replyWithError(error, request, reply));
  app.setNotFoundHandler((request, reply) => replyWithError(notFound('No such route.'), request, reply));
}

/** For a URL that no router can read. No hook runs for such a request, so what hooks do is done here. */
export function createReplyUnrouted(replyWithError: ReplyWithError) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    setCommonHeaders(request, reply);
    replyWithError(error, request, reply);
    logCompleted(request, reply);
  };
}

function asBrokerError(error: unknown): BrokerError {
  const known = isBrokerError(error) ? error : error instanceof Error ? ofFramework(error as FastifyError) : undefined;
  return (
    known ??
    BrokerError.of('internal_error', 'Something failed inside the broker; its log has more under this request id.')
  );
}

/** What Fastify itself refuses, in the broker's words. Undefined: not the request's fault. */
function ofFramework({ code, statusCode = 500 }: FastifyError): BrokerError | undefined {
  switch (code) {
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
  const isClientError = statusCode >= 400 && statusCode < 500;
  return isClientError ? invalidRequest({ path: 'body', message: 'could not be read' }) : undefined;
}

/** Only where a person looks: a browser on a browser's route. */
function wantsPage(request: FastifyRequest): boolean {
  const isBrowserRoute = request.routeOptions.config?.declaration?.tag === 'Browser';
  return isBrowserRoute && (request.headers.accept ?? '').includes('text/html');
}
