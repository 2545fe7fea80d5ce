import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BrokerError, invalidRequest, isBrokerError } from '../domain/errors.ts';
import type { AllowedMethods } from './allowed-methods.ts';
import { setCommonHeaders } from './common-headers.ts';
import { sendPage } from './pages/page.ts';
import { problemPage } from './pages/problem.ts';
import { notFound, problemMediaType, problems, toProblem } from './problem.ts';
import { headersOf } from './problem-headers.ts';
import { logCompleted } from './request-log.ts';

/** Sends the response for any error; the only code that does. The text of an unexpected error never leaves the process. */
export type ReplyWithError = (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

export function createReplyWithError(publicPath: string): ReplyWithError {
  return (error, request, reply) => {
    const refusal = noteRefusal(error, request);
    reply.code(problems[refusal.code].status).headers(headersOf(refusal));
    if (wantsPage(request)) return sendPage(reply, problemPage(refusal, request.id));
    // Sent as bytes: Fastify adds a charset to text, and application/problem+json defines none (RFC 9457 §6.1).
    return reply.type(problemMediaType).send(Buffer.from(JSON.stringify(toProblem(refusal, request.id, publicPath))));
  };
}

/** Turns any error into a refusal, logs what its response does not tell, and notes its code for the request log. */
export function noteRefusal(error: unknown, request: FastifyRequest): BrokerError {
  const refusal = asBrokerError(error);
  if (refusal.code === 'internal_error') {
    request.log.error({ request_id: request.id, err: error }, 'request failed');
  } else if (isBrokerError(error) && error.cause !== undefined) {
    const line = { request_id: request.id, code: error.code, err: error };
    request.log.info(line, 'request refused with a cause');
  }
  request.problemCode = refusal.code;
  return refusal;
}

/** `allowedMethods` distinguishes a known path with another method (405) from an unknown path (404). */
export function registerErrors(
  app: FastifyInstance,
  replyWithError: ReplyWithError,
  allowedMethods: AllowedMethods,
): void {
  app.setErrorHandler((error, request, reply) => replyWithError(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const allow = allowedMethods(request);
    const refusal =
      allow.length === 0
        ? notFound('No such route.')
        : BrokerError.with('method_not_allowed', `This path takes ${allow.join(', ')}.`, { allow });
    return replyWithError(refusal, request, reply);
  });
}

/** Replies to a URL that the router cannot parse. Fastify runs no hooks for it, so headers and log line are added here. */
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

/** Maps an error of Fastify to a problem. Returns undefined if the request did not cause the error. */
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
  // Other errors with a 4xx status are the client's, for example a connection closed before the end of the body.
  const isClientError = statusCode >= 400 && statusCode < 500;
  return isClientError ? invalidRequest({ path: 'body', message: 'could not be read' }) : undefined;
}

/** True if a person sees the response: a route for browsers and a client that accepts HTML. */
function wantsPage(request: FastifyRequest): boolean {
  const isBrowserRoute = request.routeOptions.config?.declaration?.tag === 'Browser';
  return isBrowserRoute && (request.headers.accept ?? '').includes('text/html');
}
