import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Trace } from '../domain/callers/caller.ts';

const requestIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Returns the caller's X-Request-Id if it is safe to log, so that both sides' logs can be joined; otherwise a new id. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const header = request.headers['x-request-id'];
  return typeof header === 'string' && requestIdPattern.test(header) ? header : randomUUID();
}

export function traceOf(request: FastifyRequest): Trace {
  return { requestId: request.id, address: request.clientAddress };
}
